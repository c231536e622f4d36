# Records go to a queue, and a STATE is acknowledged when the server has confirmed all before it.
import argparse, json, sys

import pika

parser = argparse.ArgumentParser()
parser.add_argument('--config')
config = json.load(open(parser.parse_args().config))
connection = pika.BlockingConnection(pika.URLParameters(config['url']))
channel = connection.channel()
channel.confirm_delivery()  # basic_publish returns when the server has the message, and throws when it does not take it.
durable = pika.BasicProperties(delivery_mode=2)

for line in sys.stdin:
    message = json.loads(line)
    if message['type'] == 'RECORD':
        body = json.dumps(message['record'])
        channel.basic_publish('', config['queue'], body, durable, mandatory=True)
    elif message['type'] == 'STATE':
        print(json.dumps(message['value']), flush=True)
