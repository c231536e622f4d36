import argparse, json, sqlite3, sys

parser = argparse.ArgumentParser()
parser.add_argument('--config')
path = json.load(open(parser.parse_args().config))['path']
database = sqlite3.connect(path, timeout=30)
database.execute('create table if not exists highs (sensor text primary key, celsius real, count integer)')

for line in sys.stdin:
    message = json.loads(line)
    if message['type'] == 'RECORD':
        database.execute('insert or replace into highs values (:sensor, :celsius, :count)', message['record'])
    elif message['type'] == 'STATE':
        database.commit()
        print(json.dumps(message['value']), flush=True)
