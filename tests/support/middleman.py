"""A middleman between a stage and its server, which can cut in at an exact point of what they say."""

import socket
import threading


class Middleman:
    """Passes bytes between those who connect to `port` and the server at `to`.

    `on_question(talk, data)` gets each piece that a client has sent, `on_answer(talk, data)` each of the server's, in threads of
    their own. What they return is passed on; None ends the talk instead. `talk.asked` is all that the client has sent.
    """

    def __init__(self, to, on_question=lambda talk, data: data, on_answer=lambda talk, data: data):
        self.to, self.on_question, self.on_answer = to, on_question, on_answer
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            try:
                Talk(self, client, socket.create_connection(("127.0.0.1", self.to)))
            except OSError:
                client.close()


class Talk:
    """A connection of a client, and ours for it."""

    def __init__(self, middleman, client, server):
        self.client, self.server, self.asked = client, server, bytearray()
        for source, sink, hook in ((client, server, self.question(middleman.on_question)), (server, client, middleman.on_answer)):
            threading.Thread(target=self.carry, args=(source, sink, hook), daemon=True).start()

    def question(self, hook):
        def noted(talk, data):
            self.asked += data
            return hook(talk, data)
        return noted

    def carry(self, source, sink, hook):
        try:
            while data := source.recv(65536):
                data = hook(self, data)
                if data is None:
                    break
                sink.sendall(data)
        except OSError:
            pass
        self.hang_up(self.server)
        self.hang_up(self.client)

    @staticmethod
    def hang_up(connection):
        try:
            connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
