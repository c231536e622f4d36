import argparse, json

parser = argparse.ArgumentParser()
parser.add_argument('--config')
parser.add_argument('--state')
args = parser.parse_args()
path = json.load(open(args.config))['path']
offset = json.load(open(args.state))['offset'] if args.state else 0


def say(type, **message):
    print(json.dumps({'type': type, **message}), flush=type == 'STATE')


with open(path, 'rb') as file:
    file.seek(offset)
    for count, line in enumerate(file, 1):
        if not line.endswith(b'\n'):
            break  # It is being written.
        try:
            sensor, celsius = line.decode().rstrip().split(',')
            record = {'sensor': sensor, 'celsius': float(celsius)}
        except ValueError:
            record = {'unreadable': repr(line)}  # The schema refuses it: a dead letter.
        say('RECORD', stream='readings', record=record)
        offset += len(line)
        if count % 100 == 0:
            say('STATE', value={'offset': offset})
say('STATE', value={'offset': offset})
