"""usage: stranger.py ENDPOINT none|other

Says hello to a supervisor or a channel without a key, or with another one; exit 1 if it is answered. Needs python3-zmq.
"""

import sys

import zmq


def main():
    endpoint, key = sys.argv[1:]
    context = zmq.Context()
    client = context.socket(zmq.DEALER)
    client.linger = 0
    client.routing_id = b"numbers.0.1"
    if key == "other":
        public, secret = zmq.curve_keypair()
        client.curve_publickey, client.curve_secretkey, client.curve_serverkey = public, secret, public
    client.connect(endpoint)
    client.send(b'{"type":"hello","protocol":1}')
    answered = client.poll(300)
    context.destroy()
    sys.exit(1 if answered else 0)


if __name__ == "__main__":
    main()
