# A file system with the files of one directory, which fails when it is told to: python3 failing.py FROM AT ORDER
#
# It speaks just enough of fuse(4). While the file ORDER is there, its first word is the number of the error that every
# request gets, or, where a second word stands, every read of the file that is called so.
import ctypes, os, struct, sys

libc = ctypes.CDLL(None, use_errno=True)
origin, at, order = sys.argv[1], os.path.realpath(sys.argv[2]), sys.argv[3]
fuse = os.open("/dev/fuse", os.O_RDWR)
options = b"fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other,default_permissions" % fuse
if libc.mount(b"failing", at.encode(), b"fuse.failing", 0, options) < 0:
    raise OSError(ctypes.get_errno(), "mount")
print("mounted", flush=True)
names = {1: ""}


def path(node):
    return os.path.join(origin, names[node]) if names[node] else origin


def attributes(node):
    stat = os.stat(path(node))
    times = [stat.st_mtime_ns // 10**9] * 3, [stat.st_mtime_ns % 10**9] * 3
    mode = 0o40755 if node == 1 else 0o100644
    return struct.pack("=6Q10I", node, stat.st_size, 8, *times[0], *times[1], mode, 1, 0, 0, 0, 4096, 0)


def lookup(node, body):
    name = body.rstrip(b"\0").decode()
    # Another file under the name is another node.
    found = os.stat(os.path.join(origin, name)).st_ino + 1
    names[found] = name
    return struct.pack("=4Q2I", found, 0, 0, 0, 0, 0) + attributes(found)


def listing(node, body):
    offset = struct.unpack("=QQI", body[:20])[1]
    entries = sorted(os.listdir(origin))
    packed = b""
    for number, name in enumerate(entries[offset:], offset + 1):
        text = name.encode()
        packed += struct.pack("=QQII", 1000 + number, number, len(text), 8) + text + b"\0" * (-len(text) % 8)
    return packed


def read(node, body):
    _, offset, size = struct.unpack("=QQI", body[:20])
    with open(path(node), "rb") as file:
        return os.pread(file.fileno(), size, offset)


def opened(node, body):
    # Nothing is kept by the kernel, so that each read asks.
    return struct.pack("=QII", 0, 1, 0)


answers = {
    26: lambda node, body: struct.pack("=4I2H2I2HI", 7, 31, 0, 0, 1, 1, 4096, 1, 0, 0, 0) + b"\0" * 24,
    1: lookup,
    3: lambda node, body: struct.pack("=QII", 0, 0, 0) + attributes(node),
    14: opened,
    15: read,
    17: lambda node, body: struct.pack("=5Q4I24x", 9, 9, 9, 9, 9, 4096, 255, 4096, 0),
    18: lambda node, body: b"",
    25: lambda node, body: b"",
    27: lambda node, body: struct.pack("=QII", 0, 0, 0),
    28: listing,
    29: lambda node, body: b"",
}


def told(kind, node):
    try:
        with open(order) as file:
            words = file.read().split()
    except FileNotFoundError:
        return 0
    if kind == 26 or not words:
        return 0
    if len(words) > 1 and (kind != 15 or names.get(node) != words[1]):
        return 0
    return int(words[0])


while True:
    try:
        request = os.read(fuse, 1 << 17)
    except OSError:
        # It was unmounted.
        break
    _, kind, number, node = struct.unpack("=IIQQ", request[:24])
    if kind in (2, 42):
        continue
    body, error = b"", told(kind, node)
    if not error and kind not in answers:
        error = 38
    if not error:
        try:
            body = answers[kind](node, request[40:])
        except (FileNotFoundError, KeyError):
            error = 2
    os.write(fuse, struct.pack("=IiQ", 16 + (0 if error else len(body)), -error, number) + (b"" if error else body))
