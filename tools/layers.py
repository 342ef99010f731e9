#!/usr/bin/env python3
"""Layers and rooms: includes go down only, roles never include one another, each third-party client is included in one room.

Usage: layers.py FILE...   (paths relative to the root). Prints one line a fault; exit code 1 when there is any.
"""
import re
import sys

FLOOR = {"base": 0, "events": 1, "warehouse": 2, "insights": 2, "fake_follower": 2, "beat": 3, "event_grpc": 3, "stir": 3, "coffee": 3, "sandbox": 3, "dalgona": 4}
# What may be included beside lower floors.
SIDEWAYS = {("fake_follower", "insights")}
# Header pattern -> folders that may include it.
ROOMS = {
    r"<(amqp|rabbitmq-c/).*>": ["src/base/amqp/"],
    r"<(libpq-fe|libpq/).*>": ["src/base/postgres/"],
    r"<curl/.*>": ["src/base/http/"],
    r"<(pybind11/|Python\.h).*>": ["src/stir/"],
    r"<(grpc|grpcpp)/.*>": ["src/event_grpc/"],
    r"<(dlfcn\.h)>": ["src/warehouse/embedded/"],
    r"<unicode/(calendar|timezone)\.h>": ["src/base/"],
    r"<unicode/(?!calendar|timezone).*>": ["src/insights/", "src/fake_follower/"],
    r"<(yaml-cpp)/.*>": ["src/base/"],
    r"<prometheus/.*>": ["src/base/"],
}
INCLUDE = re.compile(r'^\s*#\s*include\s*(<[^>]+>|"[^"]+")')


def faults(path):
    parts = path.split("/")
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            target = match.group(1)
            for pattern, folders in ROOMS.items():
                if re.fullmatch(pattern, target) and parts[0] == "src" and not any(path.startswith(f) for f in folders):
                    yield f"{path}:{number}: {target} may be included only in {', '.join(folders)}"
            if parts[0] != "src" or not target.startswith('"'):
                continue
            here, there = parts[1], target.strip('"').split("/")[0]
            if there == here:
                continue
            if there not in FLOOR:
                yield f"{path}:{number}: {target} is not a path from src/"
            elif (here, there) in SIDEWAYS:
                continue
            elif FLOOR[there] > FLOOR[here]:
                yield f"{path}:{number}: {target} climbs: {here} may not include {there}"
            elif FLOOR[there] == FLOOR[here]:
                yield f"{path}:{number}: {target} goes sideways: {here} may not include {there}"


found = [fault for path in sys.argv[1:] if path.startswith(("src/", "tests/", "bench/")) and path.endswith((".cc", ".h")) for fault in faults(path)]
print("\n".join(found) if found else "layers: clean")
sys.exit(1 if found else 0)
