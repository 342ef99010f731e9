#!/usr/bin/env python3
"""Refuses what g++ 12 compiles wrongly in an expression with co_await.

A temporary that is initialised member by member lies in the coroutine's frame twice, bit by bit, and what its members
own is freed twice. Such temporaries are lambdas that capture an object by value, braced lists that make an aggregate
(empty ones too), and default arguments that do. Measured with g++ 12.2; constructor calls, moved names and lambdas that
capture references or `this` only are sound. So give the temporary a name in a statement before:

    co_await on_thread(pool, [text] { use(text); });          // refused: `text` is freed twice
    auto work = [text] { use(text); };
    co_await on_thread(pool, std::move(work));                // sound

A struct that stands as default argument of a coroutine declares a constructor, which makes it no aggregate, and is listed
in SOUND below. A line known to be sound ends in `// co_await: sound`.

Usage: coroutines.py FILE...   Prints one line a fault; exit code 1 when there is any.
"""
import re
import sys

# Types whose `{}` runs a constructor.
SOUND = {"std::string", "std::string_view", "Params", "postgres::Params", "QueryOptions", "warehouse::QueryOptions", "WarehouseParams"}
LITERAL = re.compile(r'R"([^()\s]*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'|//[^\n]*|/\*.*?\*/', re.S)
OPEN = {'(': ')', '[': ']', '{': '}'}


def blank(match):
    """Literals and comments become spaces and keep their length, so that offsets stay true; 1'000 is not a literal."""
    text = match.group(0)
    return ''.join('\n' if c == '\n' else ' ' for c in text)


def closing(text, at):
    """The offset of the bracket that closes the one at `at`."""
    stack = []
    for i in range(at, len(text)):
        if text[i] in OPEN:
            stack.append(OPEN[text[i]])
        elif stack and text[i] == stack[-1]:
            stack.pop()
            if not stack:
                return i
    return len(text) - 1


def lambda_head(text, at):
    """True when the bracket at `at` opens a capture list and not a subscript or an attribute."""
    before = text[:at].rstrip()
    if text.startswith('[[', at):
        return False
    return not before or not (before[-1].isalnum() or before[-1] in '_)]>"') or re.search(r'\b(return|co_return|co_await|case)$', before)


def captures_objects(captures):
    depth, item, items = 0, '', []
    for c in captures:
        depth += c in '([{<'
        depth -= c in ')]}>'
        if c == ',' and depth == 0:
            items.append(item.strip())
            item = ''
        else:
            item += c
    items.append(item.strip())
    return [i for i in items if i and not i.startswith('&') and i not in ('this',)]


def sound_braces(text, at):
    """Durations, and the empty vector or string that std::exchange leaves behind."""
    before = text[max(0, at - 120):at].rstrip()
    return re.search(r'\b(milliseconds|microseconds|seconds|minutes|hours)$', before) or re.search(r'\bexchange\([^()]*,$', before)


def around(text, at):
    """The place of a braced list that has the co_await at `at` among its members, if there is one."""
    i = at - 1
    depth = 0
    while i >= 0:
        c = text[i]
        if c in ')]':
            depth += 1
        elif c in '([':
            depth -= 1
        elif c in ';}':
            return None
        elif c == '{' and depth <= 0:
            before = text[:i].rstrip()
            opens_block = not before or before[-1] in ';{})>:' or re.search(r'\b(else|do|try|const|override|final|mutable|noexcept)$', before)
            return None if opens_block else i
        i -= 1
    return None


def expression(text, at):
    """The places refused in the rest of the full expression that begins with the co_await at `at`; lambda bodies are left out."""
    places = []
    i = at + len('co_await')
    depth = 0
    while i < len(text):
        c = text[i]
        if c == '[' and lambda_head(text, i):
            end = closing(text, i)
            held = captures_objects(text[i + 1:end])
            if held:
                places.append((i, 'a lambda that captures %s by value' % ', '.join(held)))
            body = text.find('{', end)
            # A parameter list may hold default braces; none of ours does.
            i = closing(text, body) + 1
            continue
        if c == '{':
            end = closing(text, i)
            if depth > 0 and not sound_braces(text, i):
                places.append((i, 'a braced list'))
            i = end + 1
            if depth == 0:
                return places
            continue
        if c in '([':
            depth += 1
        elif c in ')]':
            depth -= 1
            if depth < 0:
                return places
        elif c == ';':
            return places
        i += 1
    return places


def check(path):
    with open(path, encoding='utf-8') as file:
        source = file.read()
    text = LITERAL.sub(blank, source)
    lines = source.split('\n')
    found = set()
    for match in re.finditer(r'\bco_await\b', text):
        for offset, what in expression(text, match.start()):
            found.add((offset, what))
        outer = around(text, match.start())
        if outer is not None:
            found.add((outer, 'a braced list'))
    for match in re.finditer(r'\bTask<[^;{}]*?>\s+\w+\(', text):
        end = closing(text, match.end() - 1)
        for argument in re.finditer(r'(?:const )?([\w:]+(?:<[^()=]*>)?)&? \w+ = [\w:]*\{[^}]*\}', text[match.end():end]):
            if argument.group(1) not in SOUND:
                found.add((match.end() + argument.start(), 'a default argument of type %s' % argument.group(1)))
    faults = []
    for offset, what in sorted(found):
        line = source.count('\n', 0, offset)
        if not lines[line].rstrip().endswith('// co_await: sound'):
            faults.append('%s:%d: %s in an expression with co_await: name it in a statement before (g++ 12 frees it twice)' % (path, line + 1, what))
    return faults


def main():
    faults = [fault for path in sys.argv[1:] if path.endswith(('.cc', '.h')) for fault in check(path)]
    print('\n'.join(faults), end='\n' if faults else '')
    return 1 if faults else 0


if __name__ == '__main__':
    sys.exit(main())
