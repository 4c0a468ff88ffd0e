"""Logs in from another address of this machine: python elsewhere.py PORT CA TARGET TOKEN.  Prints how long it took."""

import socket, ssl, struct, sys, time

port, ca, target, token = int(sys.argv[1]), *sys.argv[2:]
begun = time.monotonic()
s = socket.create_connection(("127.0.0.1", port), 20, ("127.0.0.2", 0))
s.send(struct.pack("!ii", 8, 80877103))
assert s.recv(1) == b"S", "TLS is refused"
t = ssl.create_default_context(cafile=ca).wrap_socket(s, server_hostname="localhost")


def message():
    head = b""
    while len(head) < 5:
        head += t.recv(5 - len(head)) or sys.exit("the connection ended")
    length, body = struct.unpack("!i", head[1:])[0] - 4, b""
    while len(body) < length:
        body += t.recv(length - len(body)) or sys.exit("the connection ended")
    return head[:1], body


body = struct.pack("!i", 196608) + f"user\0elsewhere\0database\0{target}\0\0".encode()
t.send(struct.pack("!i", len(body) + 4) + body)
while True:
    kind, body = message()
    if kind == b"R" and body == struct.pack("!i", 3):
        password = token.encode() + b"\0"
        t.send(b"p" + struct.pack("!i", len(password) + 4) + password)
    elif kind == b"E":
        sys.exit(f"refused: {body}")
    elif kind == b"Z":
        break
print(f"in after {time.monotonic() - begun:.3f} s")
