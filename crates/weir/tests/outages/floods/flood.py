"""Floods the door of a Weir: python floods.py PORT SECONDS KIND...  Prints what came of each kind, as JSON.

Kinds: closed (connect, close), garbage (bytes that are no TLS behind 0x16), half (connect, say nothing), ssl (ask for TLS, say
nothing), password (TLS, a wrong token)."""

import json, os, selectors, socket, ssl, struct, sys, threading, time

port, seconds, kinds = int(sys.argv[1]), float(sys.argv[2]), sys.argv[3:]
SSL_REQUEST = struct.pack("!ii", 8, 80877103)
end = time.monotonic() + seconds
counts = {}


def connect():
    s = socket.socket()
    s.settimeout(5)
    s.connect(("127.0.0.1", port))
    return s


def quick(kind, count):
    held = []
    while time.monotonic() < end:
        try:
            s = connect()
            if kind == "garbage":
                s.send(b"\x16\x03\x01\x00\x05\x01\xff\xff\xff\xff" + os.urandom(40))
            elif kind == "ssl":
                s.send(SSL_REQUEST)
            count[0] += 1
            if kind in ("half", "ssl"):
                held.append(s)
                if len(held) > 3000:
                    held.pop(0).close()
            else:
                s.close()
        except OSError:
            count[1] += 1
            time.sleep(0.001)
    for s in held:
        s.close()


def password(count):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    body = struct.pack("!i", 196608) + b"user\0mallory\0database\0flooded\0\0"
    packet = struct.pack("!i", len(body) + 4) + body
    guess = b"guess" + b"\0"
    guess = b"p" + struct.pack("!i", len(guess) + 4) + guess
    while time.monotonic() < end:
        try:
            s = connect()
            s.send(SSL_REQUEST)
            if s.recv(1) != b"S":
                count[1] += 1
                s.close()
                continue
            t = context.wrap_socket(s)
            t.send(packet)
            if b"53300" in (answer := t.recv(200)):
                count[1] += 1
            else:
                t.send(guess)
                answer = t.recv(300)
                count[0] += b"28P01" in answer
            t.close()
        except OSError:
            count[1] += 1


threads = []
for kind in kinds:
    counts[kind] = [0, 0]
    target = (lambda k: (lambda: password(counts[k]) if k == "password" else quick(k, counts[k])))(kind)
    threads.append(threading.Thread(target=target))
for t in threads:
    t.start()
for t in threads:
    t.join()
print(json.dumps({kind: {"made": made, "refused": refused} for kind, (made, refused) in counts.items()}))
