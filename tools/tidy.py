#!/usr/bin/python3
"""tidy.py [--together] FILE...: clang-tidy on the files, as many at a time as there are processors.

What was found clean is not looked at again: build/tidy holds the hash of everything that a verdict depends on (the file, the headers of
ours that it includes, its compile command, the checks, clang-tidy's version), so a run that was interrupted goes on where it stopped.

--together: the files of one target some at a time as one. Nearly all the time goes into the headers of others, which a group pays for once:
a quarter of the time for the whole tree. Two checks look at main files only (misc-unused-using-decls, misc-unused-alias-decls); they speak
when a changed file is checked by itself.
"""
import concurrent.futures
import hashlib
import json
import os
import re
import shlex
import subprocess
import sys

TIDY = "clang-tidy-14"
CACHE = "build/tidy"
GROUP = 8
INCLUDE = re.compile(rb'^\s*#\s*include\s+"([^"]+)"', re.M)


def database():
    with open("build/lint/compile_commands.json") as f:
        return {os.path.relpath(c["file"]): c for c in json.load(f)}


def target_of(command):
    """The folder of the target's objects."""
    return re.search(r"-o (\S+?\.dir)/", command["command"]).group(1)


def arguments(command):
    """The compiler's arguments without program, launcher, output and source."""
    words, kept, skip = shlex.split(command["command"]), [], 0
    while words and not os.path.basename(words[0]).startswith("clang"):
        words.pop(0)
    for word in words[1:]:
        if skip:
            skip -= 1
        elif word in ("-o", "-MF", "-MT"):
            skip = 1
        elif word not in ("-c", "-MD", command["file"]):
            kept.append(word)
    return kept


class Contents:
    """Files of ours and what they include, each read once."""

    def __init__(self):
        self.known = {}

    def read(self, path):
        if path not in self.known:
            with open(path, "rb") as f:
                text = f.read()
            found = []
            for name in INCLUDE.findall(text):
                name = name.decode()
                for folder in (os.path.dirname(path), "src", "tests", "tests/integration", "cmake"):
                    candidate = os.path.normpath(os.path.join(folder, name))
                    if os.path.isfile(candidate):
                        found.append(candidate)
                        break
            self.known[path] = (hashlib.sha256(text).hexdigest(), found)
        return self.known[path]

    def all_of(self, path):
        seen, todo = set(), [path]
        while todo:
            one = todo.pop()
            if one not in seen:
                seen.add(one)
                todo += self.read(one)[1]
        return sorted(seen)


def groups_of(files, commands, together):
    by_target = {}
    for file in sorted(files):
        if file not in commands:
            continue  # of no target of the lint preset
        is_test = file.endswith("_test.cc")
        by_target.setdefault((target_of(commands[file]), is_test) if together else file, []).append(file)
    for files in by_target.values():
        size = GROUP if together else 1
        for at in range(0, len(files), size):
            yield files[at:at + size]


def checks_of(group):
    # GoogleTest's fixtures have protected virtual destructors, and nobody deletes a test through them.
    return ["--checks=-cppcoreguidelines-virtual-class-destructor"] if group[0].endswith("_test.cc") else []


def check(group, command, key):
    if len(group) == 1:
        source = group[0]
    else:
        source = f"{CACHE}/{key}.cc"
        with open(source, "w") as f:
            f.writelines(f'#include "{os.path.abspath(file)}"\n' for file in group)
    run = subprocess.run([TIDY, "--quiet", "--warnings-as-errors=*", *checks_of(group), source, "--", *arguments(command)],
                         capture_output=True, text=True)
    if len(group) > 1:
        os.remove(source)
    if run.returncode == 0:
        open(f"{CACHE}/{key}", "w").close()
    elif not run.stdout:
        return run.returncode, run.stderr
    return run.returncode, run.stdout


def main():
    together = "--together" in sys.argv
    files = [a for a in sys.argv[1:] if not a.startswith("--")]
    os.makedirs(CACHE, exist_ok=True)
    commands, contents = database(), Contents()
    version = subprocess.run([TIDY, "--version"], capture_output=True, text=True, check=True).stdout
    checks = contents.read(".clang-tidy")[0]
    todo, count = [], 0
    for group in groups_of(files, commands, together):
        count += 1
        digest = hashlib.sha256((version + checks).encode())
        digest.update(repr(checks_of(group) + arguments(commands[group[0]])).encode())
        for file in group:
            for path in contents.all_of(file):
                digest.update(f"{path} {contents.read(path)[0]}\n".encode())
        key = digest.hexdigest()[:32]
        if not os.path.exists(f"{CACHE}/{key}"):
            todo.append((group, key))
    print(f"clang-tidy: {len(files)} files in {count} units, {count - len(todo)} known to be clean", flush=True)
    bad = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        running = {pool.submit(check, group, commands[group[0]], key): group for group, key in todo}
        for done, future in enumerate(concurrent.futures.as_completed(running), 1):
            code, text = future.result()
            if code:
                bad += 1
                print(text, flush=True)
            if sys.stdout.isatty() or done % 10 == 0:
                print(f"clang-tidy: {done} of {len(todo)}", flush=True)
    return 1 if bad else 0


sys.exit(main())
