# Messages of a queue, which are acknowledged when they are committed: singerSource({ ..., commitsToStdin: true }).
import argparse, json, os, sys, threading

import pika

parser = argparse.ArgumentParser()
parser.add_argument('--config')
config = json.load(open(parser.parse_args().config))
connection = pika.BlockingConnection(pika.URLParameters(config['url']))
channel = connection.channel()
channel.basic_qos(prefetch_count=100)


def say(type, **message):
    print(json.dumps({'type': type, **message}), flush=True)


def acknowledge():
    for line in sys.stdin:
        tag = json.loads(line)['value']
        connection.add_callback_threadsafe(lambda tag=tag: channel.basic_ack(tag, multiple=True))
    os._exit(0)  # Nobody is there any more who commits.


threading.Thread(target=acknowledge, daemon=True).start()
for method, properties, body in channel.consume(config['queue']):
    say('RECORD', stream=config['queue'], record={'id': properties.message_id, 'body': body.decode()})
    say('STATE', value=method.delivery_tag)
