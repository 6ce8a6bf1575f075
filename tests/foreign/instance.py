"""An instance of an operator with one input and one state table: stream-control(7) and stream-frame(7)."""

import json
import os
import resource
import sys
import time

import frames
import snapshots
import zmq
from frames import Frame

INSERT, UPDATE_BEFORE, UPDATE_AFTER, DELETE = range(4)
IN_FLIGHT_MAX = 256 * 1024  # bytes that a receiver has not credited
FRAME_COST = 512            # what a frame counts beside its bytes


class Lost(Exception):
    """A channel, or the supervisor."""


class Channel:
    """One end of a pair of sockets."""

    def __init__(self, context, assignment, channel):
        self.socket = context.socket(zmq.DEALER)
        self.socket.setsockopt(zmq.RECONNECT_IVL, -1)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.set_hwm(0)
        self.monitor = self.socket.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        self.identity = (bytes.fromhex(assignment["run"]), assignment["attempt"], channel["id"])
        self.peer = channel["peer"]
        self.sent = self.received = 0

    def send(self, frame):
        self.socket.send(frame.packed(*self.identity, self.sent))
        self.sent += 1

    def receive(self):
        """The next frame that waits, or None."""
        try:
            message = self.socket.recv(zmq.NOBLOCK)
        except zmq.Again:
            if self.monitor.poll(0):
                raise Lost(f"{self.peer} is gone") from None
            return None
        found = frames.unpack(message, *self.identity)
        if found is None:
            return self.receive()
        frame, sequence = found
        if sequence != self.received:
            raise Lost(f"{self.peer}: frame {sequence} came, not {self.received}")
        self.received += 1
        return frame


class Input(Channel):
    def __init__(self, context, assignment, channel):
        super().__init__(context, assignment, channel)
        self.endpoint = f"ipc://{assignment['sockets']}/{assignment['attempt']}-{channel['id']}"
        self.socket.bind(self.endpoint)
        self.opened = self.ended = self.idle = False
        self.barrier = 0     # the newest
        self.consumed = 0
        self.watermark = frames.NEVER

    def credit(self, frame):
        self.consumed += frame.size()
        self.send(Frame(frames.CREDIT, consumed=self.consumed))


class Output(Channel):
    def __init__(self, context, assignment, channel, endpoint):
        super().__init__(context, assignment, channel)
        self.socket.connect(endpoint)
        self.in_flight = []  # (sum of bytes up to here, cost)
        self.bytes = 0
        self.waiting = []    # what the receiver has no room for

    def room(self):
        return not self.in_flight or sum(cost for _, cost in self.in_flight) < IN_FLIGHT_MAX

    def add(self, frame):
        self.waiting.append(frame)
        self.flush()

    def flush(self):
        while self.waiting and (self.waiting[0].kind != frames.DATA or self.room()):
            frame = self.waiting.pop(0)
            if frame.kind == frames.DATA:
                self.bytes += frame.size()
                self.in_flight.append((self.bytes, frame.size() + FRAME_COST))
            self.send(frame)

    def serve(self):
        while (frame := self.receive()) is not None:
            if frame.kind == frames.CREDIT:
                self.in_flight = [sent for sent in self.in_flight if sent[0] > frame.consumed]
        self.flush()


class Edge:
    """To the instances of one stage."""

    def __init__(self, context, assignment, edge, endpoints):
        self.spread, self.hashed = edge["spread"], edge["hash_columns"]
        self.key_groups = assignment["key_groups"]
        self.fields = json.loads(edge["schema"])["fields"]
        self.channels = [Output(context, assignment, channel, endpoints[str(channel["id"])]) for channel in edge["channels"]]
        self.turn = 0
        for channel in self.channels:
            channel.add(Frame(frames.OPEN, edge["schema"].encode()))

    def to_all(self, frame):
        for channel in self.channels:
            channel.add(frame)

    def add(self, changes, names, watermark):
        """Changes are (kind, row); `names` those of the row's columns."""
        for channel, chosen in zip(self.channels, self.shares(changes, names)):
            for begin in range(0, len(chosen), frames.ROWS_MAX):
                piece = chosen[begin:begin + frames.ROWS_MAX]
                places = [names.index(field["name"]) for field in self.fields]
                rows = [[row[place] for place in places] for _, row in piece]
                body = frames.batch([kind for kind, _ in piece], rows, [field["type"] for field in self.fields])
                channel.add(Frame(frames.DATA, body, len(piece), watermark))

    def shares(self, changes, names):
        count = len(self.channels)
        if self.spread == "broadcast":
            return [changes] * count
        out = [[] for _ in range(count)]
        if self.spread != "hash":
            self.turn = (self.turn + 1) % count
            out[self.turn] = changes
            return out
        places = [names.index(name) for name in self.hashed]
        types = [next(field["type"] for field in self.fields if field["name"] == name) for name in self.hashed]
        for kind, row in changes:
            group = frames.key_group([row[place] for place in places], types, self.key_groups)
            out[frames.owner(group, count, self.key_groups)].append((kind, row))
        return out


class Instance:
    def __init__(self, control, name, make):
        self.context = zmq.Context()
        endpoint, identity = control.split("#", 1)
        self.control = self.context.socket(zmq.DEALER)
        self.control.setsockopt(zmq.IDENTITY, identity.encode())
        self.control.setsockopt(zmq.RECONNECT_IVL, -1)
        self.control.setsockopt(zmq.LINGER, 1000)
        self.monitor = self.control.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        self.control.connect(endpoint)
        self.parent = os.getppid()
        self.began = time.monotonic_ns()
        self.next_stats = 0
        self.rows_in = self.rows_out = self.turns = 0
        self.watermark = frames.NEVER
        self.epoch = 0  # being aligned, or the last one that was
        self.aligned = True
        self.ended = False
        self.tell("hello", epoch=os.getpid(), text=name)
        self.assignment = self.hear()
        self.stage = make(self.assignment)
        self.table = snapshots.Table(self.assignment, self.stage.table)
        self.names = [field["name"] for field in self.stage.table["key"] + self.stage.table["value"]]

    # --- the supervisor
    def tell(self, kind, **fields):
        self.control.send_string(json.dumps({"type": kind, "protocol": 1, **fields}))

    def hear(self):
        while (message := self.heard()) is None:
            self.check_supervisor()
            self.control.poll(100)
        return message

    def heard(self):
        try:
            return json.loads(self.control.recv(zmq.NOBLOCK))
        except zmq.Again:
            return None

    def check_supervisor(self):
        if os.getppid() != self.parent or self.monitor.poll(0):
            raise Lost("the supervisor is gone")

    def tell_stats(self):
        now = time.monotonic_ns()
        if now < self.next_stats:
            return
        self.check_supervisor()
        self.next_stats = now + self.assignment["stats_every"] * 1000
        self.tell("stats", records_in=self.rows_in, records_out=self.rows_out, total_us=(now - self.began) // 1000,
                  watermark=self.watermark, state_rows=len(self.stage.state), turns=self.turns, ended=self.ended,
                  resident_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)

    # --- from the assignment to the first row
    def set_up(self):
        if self.assignment.get("restore"):
            self.stage.state = self.table.read(json.loads(self.assignment["restore"]))
        channels = [(entry, channel) for entry in self.assignment["inputs"] for channel in entry["channels"]]
        self.fields = json.loads(channels[0][0]["schema"])["fields"]
        self.inputs = [Input(self.context, self.assignment, channel) for _, channel in channels]
        self.tell("endpoints", endpoints={str(channel["id"]): made.endpoint for (_, channel), made in zip(channels, self.inputs)})
        answer = self.hear()
        if answer["type"] == "exit":
            return False
        self.edges = [Edge(self.context, self.assignment, edge, answer["endpoints"])
                      for output in self.assignment["outputs"] if output["name"] == "out" for edge in output["edges"]]
        self.outputs = [channel for edge in self.edges for channel in edge.channels]
        return True

    # --- the loop
    def run(self):
        if not self.set_up():
            return
        ready = False
        while True:
            self.wait()
            while (message := self.heard()) is not None:
                if message["type"] == "exit":
                    return
                if message["type"] == "complete":
                    self.tell("committed", epoch=message["epoch"])
            for output in self.outputs:
                output.serve()
            for channel in self.readable():
                if (frame := channel.receive()) is not None:
                    self.turns += 1
                    self.on_frame(channel, frame)
            if not ready and all(channel.opened for channel in self.inputs):
                ready = True
                self.tell("ready")
            self.tell_stats()

    def readable(self):
        """Not one that waits for the barriers of others, and none while results have no room."""
        if any(output.waiting for output in self.outputs):
            return []
        return [channel for channel in self.inputs if self.aligned or channel.barrier < self.epoch]

    def wait(self):
        poller = zmq.Poller()
        for socket in [self.control, self.monitor, *(channel.socket for channel in self.readable()),
                       *(output.socket for output in self.outputs), *(channel.monitor for channel in self.inputs)]:
            poller.register(socket, zmq.POLLIN)
        poller.poll(self.assignment["stats_every"] / 1000)

    def on_frame(self, channel, frame):
        if frame.kind == frames.OPEN:
            channel.opened = True
        elif frame.kind == frames.DATA:
            self.on_rows(frame)
            channel.credit(frame)
        elif frame.kind == frames.BARRIER:
            self.on_barrier(channel, frame.epoch)
            return
        elif frame.kind == frames.END:
            channel.ended = True
            channel.send(Frame(frames.CLOSED))
        if frame.kind in (frames.DATA, frames.WATERMARK, frames.END):
            self.on_watermark(channel, frame)
        if not self.ended and all(each.ended for each in self.inputs):
            self.end()

    def on_rows(self, frame):
        columns = {field["name"]: frames.column(frame, i, field["type"]) for i, field in enumerate(self.fields)
                   if field["name"] in self.stage.plan.needs()}
        changes = list(self.stage.on_rows(columns, frame.rows))
        self.rows_in += frame.rows
        self.rows_out += len(changes)
        for edge in self.edges:
            edge.add(changes, self.names, self.watermark)

    def on_watermark(self, channel, frame):
        channel.watermark = frames.ALWAYS if frame.kind == frames.END else max(channel.watermark, frame.watermark)
        channel.idle = bool(frame.flags & 1)
        holding = [each.watermark for each in self.inputs if not each.idle]
        reached = min(holding, default=self.watermark)
        if reached > self.watermark and reached != frames.ALWAYS:
            self.watermark = reached
            self.to_all(Frame(frames.WATERMARK, watermark=reached))

    def on_barrier(self, channel, epoch):
        channel.barrier = epoch
        if epoch < self.epoch or (epoch == self.epoch and self.aligned):
            return
        self.epoch, self.aligned = epoch, all(each.barrier >= epoch for each in self.inputs)
        if self.aligned:
            self.snapshot(epoch)

    def snapshot(self, epoch):
        began = time.monotonic_ns()
        state = dict(self.stage.state)
        self.to_all(Frame(frames.BARRIER, watermark=self.watermark, epoch=epoch))
        try:
            files = self.table.write(state, epoch)
        except OSError as error:
            self.tell("snapshot-failed", epoch=epoch, text=str(error))
            return
        spent = (time.monotonic_ns() - began) // 1000
        self.tell("snapshot", epoch=epoch, files=json.dumps(files), rows=len(state), pause_us=spent, async_us=0)

    def end(self):
        self.ended = True
        self.to_all(Frame(frames.END, watermark=frames.ALWAYS))
        self.tell("ended")

    def to_all(self, frame):
        for edge in self.edges:
            edge.to_all(frame)


def run(control, name, make):
    """The exit status."""
    instance = Instance(control, name, make)
    try:
        instance.run()
        return 0
    except Lost as lost:
        try:
            instance.tell("peer-gone", text=str(lost))
            while instance.hear()["type"] != "exit":
                pass
            return 0
        except Lost:
            return 1
    except (ValueError, OSError) as error:
        instance.tell("failed", text=str(error))
        print(f"stream-{name}: fatal: {error}", file=sys.stderr)
        return 1
