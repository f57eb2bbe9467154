"""Conversations and templates for chat_templates.py."""

USER = {"role": "user", "content": "What is 5 + 7?"}
ANSWER = {"role": "assistant", "content": "It is 12."}
CALL = {"type": "function", "function": {"name": "weather", "arguments": {"place": "Zürich", "days": 3, "hours": None, "mean": True, "at": [47.4, -8.55]}}}
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "weather",
            "description": "Tells the weather of a place; it's <not> exact & \"free\".",
            "parameters": {
                "type": "object",
                "properties": {
                    "place": {"type": "string", "description": "A town's name"},
                    "days": {"type": "integer", "description": "How far ahead", "default": None},
                    "units": {"type": "string", "enum": ["metric", "imperial"], "nullable": True},
                    "items": {"type": "array", "items": {"type": "object", "properties": {"a": {"type": ["string", "null"]}}}},
                },
                "required": ["place"],
            },
            "return": {"type": "string", "description": "A sentence"},
        },
    },
    {"type": "function", "function": {"name": "now", "description": "", "parameters": {"type": "object", "properties": {}}}},
]


def called(**fields):
    asked = {"role": "user", "content": "How is the weather?"}
    call = {"role": "assistant", "tool_calls": [CALL], **fields}
    told = {"role": "tool", "name": "weather", "content": '{"sun": true}'}
    return [asked, call, told, {"role": "assistant", "content": "It shines."}]


def thinking(name):
    return [USER, {**ANSWER, name: "5 and 7 make 12.\n"}, {"role": "user", "content": "Sure?"}, {**ANSWER, name: "\nYes.  "}]


# Each is given to every template.
CONVERSATIONS = {
    "question": {"messages": [USER]},
    "turns": {"messages": [USER, ANSWER, {"role": "user", "content": " Sure?\n"}, {"role": "assistant", "content": "\n  Yes. "}]},
    "system": {"messages": [{"role": "system", "content": "Be brief.  "}, USER, ANSWER]},
    "empty system": {"messages": [{"role": "system", "content": ""}, USER, ANSWER]},
    "developer": {"messages": [{"role": "developer", "content": "Be brief."}, USER, ANSWER]},
    "tools": {"messages": [{"role": "system", "content": "Use tools."}, *called(content="I look.")], "tools": TOOLS},
    "tools, no call": {"messages": [USER, ANSWER], "tools": TOOLS},
    "null beside tool calls": {"messages": called(content=None), "tools": TOOLS},
    "reasoning_content": {"messages": thinking("reasoning_content")},
    "thinking": {"messages": thinking("thinking")},
    "reasoning, tools": {"messages": called(content="", reasoning="Where are they?"), "tools": TOOLS},
    "tags": {"messages": [USER, {"role": "assistant", "content": "<think>\n5 + 7 = 12\n</think>\n\nIt is 12."}, USER, {"role": "assistant", "content": "<think></think>12"}]},
    "CRLF": {"messages": [{"role": "user", "content": "one\r\ntwo\r\n"}, {"role": "assistant", "content": "\r\nthree\r"}]},
    "BOM": {"messages": [{"role": "system", "content": "\ufeffBe brief.\ufeff"}, {"role": "user", "content": "\ufeff hi \ufeff"}, {"role": "assistant", "content": "\ufeffyes\x85\x1f"}]},
    "parts": {"messages": [{"role": "user", "content": [{"type": "text", "text": " 2+2?\n"}, {"type": "text", "text": "3+3? "}]}, {"role": "assistant", "content": [{"type": "text", "text": "4 and 6"}]}]},
    "system parts": {"messages": [{"role": "system", "content": [{"type": "text", "text": "Be brief."}]}, {"role": "user", "content": "hi"}, {"role": "assistant", "content": "yes"}]},
    "tool parts": {"messages": [*called(content=None)[:2], {"role": "tool", "content": [{"type": "text", "text": "sun"}]}, ANSWER], "tools": TOOLS},
    "odd texts": {"messages": [{"role": "user", "content": "𝄞 it's \"<b>\" & {{ x }} é\u2028\ud83d"}, {"role": "assistant", "content": "", "tool_calls": []}]},
}  # fmt: skip

# Variables that templates in use look at; each conversation is rendered with each set.
KWARGS = [{}, {"enable_thinking": False}, {"enable_thinking": True, "reasoning_effort": "low", "preserve_thinking": True, "builtin_tools": ["browser"]}]


def values(*expressions):
    """A template that writes expressions one a line, in brackets."""
    return "\n".join("[{{ " + expression + " }}]" for expression in expressions)


def case(name, template, **given):
    return (name, template, given)


# What the library that rendered templates before did in another way, or refused. One kind a case.
CASES = [
    case("constants", values("none", "true", "false", "[none, true]", "{'a': false}", "none ~ true")),
    case("falsehood is not emptiness", values("'' != false", "0 == false", "1 == true", "none == false", "'' == none", "[] == false")),
    case("equality of collections", values("[1] == [1]", "[1, [2]] == [1.0, [2]]", "{'a': 1} == {'a': 1}", "(1,) == [1]", "[1] != [2]", "{'a': 1, 'b': 2} == {'b': 2, 'a': 1}")),
    case("remainders", values("-1 % 3", "1 % -3", "-7 // 2", "7.5 // -2", "-7.5 % 2", "5 % 2.5", "-6 // 3", "0.3 // 0.1")),
    case("division", values("6 / 3", "1 / 3", "2 ** 10", "2 ** -1", "-2 ** 2", "2 ** 3 ** 2", "7 // 2", "2 ** 100")),
    case("floats", values("1.0", "1e16", "1e15", "1e-5", "0.0001", "1.5e300", "-0.0", "0.1 + 0.2", "100000000000000000000.0", "1_000.5e0")),
    case("integers", values("0x1F", "0b101", "0o17", "1_000", "9007199254740993", "9007199254740993 + 1")),
    case("lists as texts", values("[1, 'a', none]", "['it\\'s', '\"', 'a\\nb', '\\\\']", "(1,)", "()", "(1, 'b')", "{'a': [1.0]}", "['é', '\\u200b', '\\x07']")),
    case("ranges and views", values("range(3)", "range(1, 9, 2)", "range(3) | list", "{'a': 1}.items()", "{'a': 1}.keys()", "{'a': 1}.values() | list", "range(5)[1:3]", "range(5)[-1]", "range(3) | length", "range(5).index(2)", "range(5).count(9)")),
    case("trim leaves a byte order mark", values("'\\ufeff a \\ufeff' | trim", "'\\ufeffa'.strip()", "'\\x1c\\x85a\\u2003\\x1f' | trim", "'xxaxx' | trim('x')", "'abc'.strip('ca')", "' a '.lstrip()", "' a '.rstrip() ~ '|'")),
    case("is sameas", values("true is sameas true", "1 is sameas true", "'' is sameas ''", "none is sameas none", "x is sameas true", "1.0 is sameas 1")),
    case("tests", values("x is undefined", "none is none", "1 is number", "true is number", "true is integer", "1.0 is float", "'a' is string", "[] is sequence", "{} is sequence", "{} is mapping", "'a' is iterable", "1 is iterable", "range is callable", "3 is odd", "4 is divisibleby 2", "'a' is lower", "'A' is upper", "1 is in [1]", "2 is gt 1", "x is iterable", "x is sequence", "'trim' is filter", "'odd' is test", "1 is eq 1.0", "true is boolean", "0 is false")),
    case("selectattr by an operator", "{{ messages | selectattr('role', '==', 'user') | list | length }} {{ messages | rejectattr('role', 'in', ['user']) | list }} {{ messages | selectattr('name') | list }} {{ messages | selectattr('content', 'defined') | map(attribute='content') | join }} {{ [1, 2, 3] | select('>', 1) | list }} {{ [0, 1, ''] | reject | list }} {{ [3, 4] | select('odd') | list }}"),
    case("map", values("[' a', 'b '] | map('trim') | list", "['a'] | map('replace', 'a', 'b') | join", "[{'a': {'b': 1}}, {}] | map(attribute='a', default='-') | list", "[[1, 2]] | map('first') | list", "['a'] | map('upper') | map('lower') | list")),
    case("a chosen stream is never empty", "{% set found = messages | selectattr('role', 'equalto', 'nobody') %}{% if found %}yes{% else %}no{% endif %} {{ found | list }} {{ found | list }}"),
    case("loop", "{% for x in 'abc' %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.cycle('p', 'q') }}{{ loop.previtem }}{{ loop.nextitem }}{{ loop.depth }}{{ loop.changed(x == 'a') }};{% endfor %}"),
    case("loop over what has no length", "{% for x in [1, 2, 3] | select('odd') %}{{ x }}{{ loop.last }}{{ loop.length }}{% endfor %}{% for x in [1, 2, 3] if x > 1 %}{{ loop.index }}/{{ loop.length }} {% endfor %}"),
    case("recursive loop", "{% for x in [[1, [2]], [3]] recursive %}<{{ loop.depth }}{% if x is iterable %}{{ loop(x) }}{% else %}{{ x }}{% endif %}>{% endfor %}"),
    case("loop controls", "{% for i in range(9) %}{% if i == 2 %}{% continue %}{% endif %}{% if i > 4 %}{% break %}{% endif %}{{ i }}{% else %}never{% endfor %}{% for i in [] %}{% else %}empty{% endfor %}{% for i in [1, 2] %}{{ i }}{% continue %}{% else %}no round ended{% endfor %}{% for i in [1] %}{% break %}{% else %}nor this{% endfor %}"),
    case("loops have variables of their own", "{% set x = 1 %}{% for i in [1, 2] %}{{ x }}{% set x = x + i %}{{ x }};{% endfor %}{{ x }}{% if true %}{% set x = 9 %}{% endif %}{{ x }}{{ i }}{% with x = 2, y = x %}{{ x }}{{ y }}{% endwith %}{{ x }}"),
    case("namespaces", "{% set ns = namespace(a=1) %}{% for i in [1, 2] %}{% set ns.a = ns.a + i %}{% set ns.b = i %}{% endfor %}{{ ns.a }}{{ ns.b }}{{ ns['a'] }}{{ ns }}{{ ns.c is defined }}"),
    case("sets that enclose text", "{% set x %}a{{ 1 }}{% endset %}{{ x }}{% set y | upper %}b{% endset %}{{ y }}{% filter upper | replace('C', 'd') %}c{% set x = 5 %}{% endfilter %}{{ x }}"),
    case("taking values apart", "{% set a, b = 1, 2 %}{{ a }}{{ b }}{% for k, v in {'x': 1}.items() %}{{ k }}{{ v }}{% endfor %}{% for (a, b), c in [((1, 2), 3)] %}{{ a }}{{ b }}{{ c }}{% endfor %}"),
    case("macros", "{% macro m(a, b=a ~ '!', c='-') %}{{ a }}{{ b }}{{ c }}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1) }} {{ m(1, 2, 3, 4, d=5) }} {{ m(c=1) }} {{ m.name }} {{ m(none) }}"),
    case("blocks of calls", "{% macro m(x) %}<{{ caller(x, 2) }}>{% endmacro %}{% call(a, b) m(1) %}{{ a }}{{ b }}{% endcall %}{% macro n() %}{{ caller is defined }}{% endmacro %}{{ n() }}"),
    case("macros see what is set after them", "{% macro m() %}{{ x }}{% endmacro %}{% set x = 1 %}{{ m() }}{% set x = 2 %}{{ m() }}"),
    case("raw", "{% raw %}{{ x }} {% if %}{% endraw %}\n  {%- raw -%}  {# no #}  {%- endraw %}|"),
    case("white space around tags", "a\n  {%+ if true %}\n  b\n  {% endif %}\n  {%- set x = 1 -%}  \n c {{- x -}} \n d\n{# e #}\nf {#- g -#} h\n    {% if true +%}\ni{% endif %}\n"),
    case("carriage returns", "{% for m in messages %}\r\n{{ m.role }}\r\n{% endfor %}\r\n{{ 'a\r\nb' }}\rc\r\n"),
    case("one end of a line at the end", "a\n\n"),
    case("escapes in texts", values(r"'\n\t\\\'\"\x41\u00e9\U0001F600\101'", r'"a\qb"', r"'\é'", "'a' 'b'", "'a\\\nb'")),
    case("comparisons", values("'a' < 'b'", "'B' < 'a'", "[1, 2] < [1, 3]", "1 < 2 < 3", "1 < 3 < 2", "1 == 1.0 == true", "'𝄞' > '\\uffff'", "(1, 'a') <= (1, 'b')")),
    case("in", values("'a' in 'abc'", "'' in ''", "1 in [1.0]", "'a' in {'a': 1}", "2 not in (1, 2)", "x in [1]", "'a' in x", "3 in range(5)", "'a' in {'a': 1}.keys()")),
    case("and, or, if", values("0 or 'a'", "'' and x", "not x", "1 if false", "(1 if false) is undefined", "'a' if x else 'b'", "1 and 2 or 3", "x or y or 'z'")),
    case("find and its kin", values("'abcb'.find('b')", "'abc'.find('z')", "'abcb'.rfind('b')", "'abab'.count('ab')", "'abc'.index('c')", "'a𝄞b'.find('b')", "'abc'.find('c', 1, 2)", "'abc'.startswith(('x', 'a'))", "'abc'.endswith('c')", "'abc'.startswith('b', 1)")),
    case("splitting", values("'a,b,c'.split(',', 1)", "'a,b,c'.rsplit(',', 1)", "' a  b '.split()", "' a  b c '.split(none, 1)", "'a\\r\\nb\\x0bc\\n'.splitlines()", "'a=b=c'.partition('=')", "'a=b=c'.rpartition('=')", "'ab'.partition('x')", "'a\\n'.splitlines(true)", "''.split('x')", "' a b '.rsplit(none, 1)")),
    case("methods of texts", values("'abc'.upper()", "'AB c'.lower()", "'hELLO wORLD'.capitalize()", "'hello wORLD-x'.title()", "'aXa'.replace('a', 'b', 1)", "'a'.center(4) ~ '|'", "'a'.ljust(3, '.')", "'a'.rjust(3)", "'-5'.zfill(4)", "', '.join(['a', 'b'])", "'a\\tb'.expandtabs(4)", "'aBc'.swapcase()", "'prefix-x'.removeprefix('prefix-')", "'x.py'.removesuffix('.py')", "'ß'.upper()", "'12'.isdigit()", "'a1'.isalnum()", "'ab'.isalpha()", "' '.isspace()", "'Ab'.istitle()", "'A'.isupper()", "'aß'.casefold()", "'ab'.replace('', '-')")),
    case("filters of texts", values("'hello wORLD-x' | title", "'a b c' | wordcount", "'a' | center(5) ~ '|'", "'a\\nb\\n\\nc' | indent", "'a\\nb' | indent(2, true)", "'a\\nb' | indent('> ', first=true, blank=true)", "'hello world again' | truncate(11)", "'hello world' | truncate(5, true)", "[1] | truncate(3)", "'a b/c?d=é' | urlencode", "{'a b': 1, 'c': '&'} | urlencode", "'<b>x</b> y' | striptags", "'%s-%d' | format('a', 3)", "1 | string ~ 2", "x | trim ~ '|'", "12 | upper", "'aXbX' | replace('X', '-', 1)")),
    case("percent signs", values("'%s %r %d' % ('a', 'a', 3.7)", "'%05.2f|%-5d|%+d|%x|%#o|%e|%g' % (3.14159, 3, 4, 255, 8, 12345.678, 0.00001)", "'%(a)s' % {'a': 1}", "'%%' % ()", "'%5s|%-5s|%.2s' % ('a', 'b', 'cde')", "'%s' % [1]", "'%c' % 65", "'%.0f %.0f %.1f' % (0.5, 1.5, 0.25)")),
    case("format", values("'{} {}'.format(1, 'a')", "'{0}{1}{0}'.format('a', 'b')", "'{a.b} {c[0]} {d[x]}'.format(a={'b': 1}, c=[2], d={'x': 3})", "'{:>5}|{:<5}|{:^5}|{:*^5}'.format('a', 'b', 'c', 'd')", "'{:,} {:.2f} {:05d} {:+} {:x} {:%}'.format(1234567, 3.14159, 42, 5, 255, 0.5)", "'{{}} {!r}'.format('a')", "'{:{}}|'.format('a', 4)", "'{:.3}'.format('abcdef')", "'{:g} {:e}'.format(1e20, 12.5)")),
    case("filters of lists", values("[3, 1, 2] | sort", "['b', 'A', 'c'] | sort", "['b', 'A'] | sort(case_sensitive=true)", "[3, 1] | sort(reverse=true)", "[1, 2] | sum", "[{'a': 1}, {'a': 2}] | sum('a', 10)", "[1, 2, 3] | first", "[1, 2, 3] | last", "[] | first", "[1, 1.0, 2] | unique | list", "['a', 'A'] | unique | list", "[1, 2, 3] | batch(2, 0) | list", "[1, 2, 3] | slice(2) | list", "[1, 3, 2] | max", "['b', 'A'] | min", "'abc' | reverse", "[1, 2] | reverse | list", "{'b': 1, 'A': 2} | dictsort", "{'b': 1, 'a': 2} | dictsort(by='value')", "[{'a': 1, 'b': 2}, {'a': 1}] | groupby('a')", "[1, 2] | join(', ')", "['a', none, x] | join('-')", "{'a': 1} | items | list", "'ab' | list", "{'a': 1} | list", "[{'a': 2}, {'a': 1}] | sort(attribute='a')", "[[1, 'b'], [1, 'a']] | sort(attribute='0,1')")),
    case("filters of numbers", values("-3 | abs", "2.5 | round", "3.5 | round", "2.675 | round(2)", "2.1 | round(0, 'ceil')", "7 | round", "1250 | round(-2)", "'42.7' | int", "'x' | int(7)", "'0x1f' | int(base=16)", "3.9 | int", "'1e3' | float", "'x' | float(2.5)", "true | int", "' 12 ' | int", "1.25 | round(1)", "-2.5 | round")),
    case("default", values("x | default('d')", "none | default('d')", "none | default('d', true)", "'' | d('e', boolean=true)", "x | default(none)", "x | default", "0 | default(1)")),
    case("length", values("'𝄞a' | length", "{'a': 1} | count", "x | length", "(1, 2) | length", "{'a': 1}.items() | length")),
    case("characters outside the first plane", values("'𝄞ab'[0]", "'𝄞ab'[1:]", "'a𝄞b'[::-1]", "'𝄞' | list", "'𝄞a' | reverse", "'a𝄞'[-1]")),
    case("slices", values("[1, 2, 3][::-1]", "[1, 2, 3][1:]", "[1, 2, 3][:-1]", "[1, 2, 3][-2:]", "'abc'[::2]", "[1, 2, 3][5:]", "(1, 2, 3)[:2]", "[1, 2, 3][2:0:-1]", "'abc'[-1]", "[1, 2, 3][9]", "messages[1:]", "'abc'[-9:2]")),
    case("methods before keys", "{{ m.items is callable }}{{ m['items'] }}{{ m.get('items') }}{{ m.get('zz') }}{{ m.get('zz', 1) }}{{ m.keys() | list }}{{ m.content }}{% for k, v in m | items %}{{ k }}{{ v }}{% endfor %}", kwargs={"m": {"items": 1, "content": "c", "get": None}}),
    case("what would change a value is undefined", values("[].append is defined", "{}.update is defined", "{}.pop is defined", "[].index is defined", "'a'.nothing is defined", "{}.clear", "m.pop is defined"), kwargs={"m": {"pop": 1}}),
    case("nothing of JavaScript", values("x.constructor is defined", "m.constructor", "m.__proto__", "m['__class__']", "''.constructor", "[].map", "m.toString", "constructor", "__proto__", "process", "''.length", "[].length", "1 .toFixed").replace("x.con", "m.con"), kwargs={"m": {"a": 1}}),
    case("keys of dicts", values("{1: 'a'}[1.0]", "{true: 'a'}[1]", "{(1, 2): 'a'}[(1, 2)]", "{none: 'a'}[none]", "{'a': 1, 'a': 2}", "{1: 'a', true: 'b'}", "{1: 2}", "dict(a=1, b=[])", "dict([('a', 1)])")),
    case("order of keys", "{{ m }} {{ m | tojson }} {% for k in m %}{{ k }}{% endfor %}", kwargs={"m": {"b": 1, "a": 2, "c": {"z": None, "y": 1.5}}}),
    case("tojson", values("{'b': [1, 2.5, none, true], 'a': 'é\"\\\\\\n<>&\\'\\x7f\\u2028'} | tojson", "{'a': 1, 'b': [1, []], 'c': {}} | tojson(indent=2)", "{'b': 1, 'a': 2} | tojson(sort_keys=true)", "'é😀' | tojson(ensure_ascii=true)", "[1, {'a': 2}] | tojson(separators=(',', ':'))", "[1] | tojson(indent='--')", "(1, 2) | tojson", "{1: 2, none: 3, true: 4, 1.5: 5} | tojson", "1e16 | tojson", "'\\x01\\b\\f\\t' | tojson", "'a' | safe | tojson", "[[], {}] | tojson(indent=0)")),
    case("marked texts escape", values("'<a>' | safe", "('<a>' | safe) + '<b>'", "'<b>' + ('<a>' | safe)", "('<a>' | safe) ~ '<b>'", "'<a>' | escape", "'<a>' | e | upper", "('<a>' | safe).replace('a', '<')", "['<', 'x' | safe] | join('>')", "('%s' | safe) % '<'", "('<' | safe).join(['>', 'a' | safe])", "('a' | safe) == 'a'", "[('a' | safe)]", "('<a>' | safe) * 2", "'a' is escaped", "('a,b' | safe).split(',')", "'<' | forceescape", "('<' | e)[0]", "('{}' | safe).format('<')", "('ab' | safe) | list", "('ab' | safe) | last")),
    case("undefined", values("x", "x ~ 'a'", "x | upper", "x == y", "x == none", "x | list", "x | string", "[x]", "m.a.b is defined"), kwargs={"m": {"a": {}}}),
    case("functions", values("range(3) | join", "dict(a=1).a", "cycler('a', 'b').next()", "joiner('|')()", "namespace(a=1).a") + "{% set c = cycler('a', 'b') %}{{ c.next() }}{{ c.next() }}{{ c.next() }}{{ c.current }}{% set j = joiner() %}{{ j() }}{{ j() }}"),
    case("spread arguments", "{% macro m(a, b, c=0) %}{{ a }}{{ b }}{{ c }}{% endmacro %}{{ m(*[1, 2]) }}{{ m(1, **{'b': 2, 'c': 3}) }}{{ m(*[1], b=5) }}"),
    case("unknown filters in branches", "{% if false %}{{ 1 | unheard_of }}{% endif %}{{ 'a' if true else 1 | unheard_of }}ok"),
    case("comments and punctuation", "{# {{ x }} #}{{ [1, 2,] }}{{ {'a': 1,} }}{{ (1,) }}{{ '}}' }}{{ {'a': {'b': 1}} }}{{ '{%' }}{% set x = '%}' %}{{ x }}{{ 1,2 }}"),
    case("signs", values("-1", "- 1 | abs", "+1", "-x.a", "3 - -2", "not 1 == 2", "-true"), kwargs={"x": {"a": 4}}),
    case("names", "{{ größe }}{{ _a }}{{ a1 }}", kwargs={"größe": 1, "_a": 2, "a1": 3}),
    case("generation", "{% for m in messages %}{% if m.role == 'assistant' %}a:{% generation %}{{ m.content }}{% set z = 1 %}</s>{% endgeneration %}{{ z }}\n{% else %}𝄞:{{ m.content }}\n{% endif %}{% endfor %}", messages=[USER, ANSWER, USER, {"role": "assistant", "content": "𝄞"}]),
    case("generation in a macro", "{% macro turn(m) %}<{% generation %}{{ m.content }}{% endgeneration %}>{% endmacro %}ab{% for m in messages %}{{ turn(m) }}{% endfor %}"),
    case("documents and further variables", "{{ documents[0].title }}{{ enable_thinking }}{{ tools is none }}{{ add_generation_prompt }}{{ bos_token }}{{ eos_token }}{{ unheard_of is defined }}", kwargs={"documents": [{"title": "t", "text": "x"}], "enable_thinking": False, "bos_token": "<b>"}),
    case("no documents, no tools", "{{ documents is none }}{{ documents is defined }}{{ tools }}{{ add_generation_prompt }}", add_generation_prompt=True),
    case("thinking's names", "{% for m in messages %}{{ m.reasoning_content }}|{{ m.thinking }}|{{ m.reasoning }}|{{ m.keys() | list }};{% endfor %}", messages=[{**USER, "reasoning_content": "a"}, {**USER, "thinking": "b"}, {**USER, "reasoning": "c"}, {**USER, "reasoning": "d", "thinking": None}, {**USER, "thinking": "e", "reasoning_content": "f", "reasoning": "g"}]),
    case("null fields are absent", "{% for m in messages %}{{ m.content is defined }}{{ m.tool_calls is defined }}{{ 'name' in m }}{{ m }};{% endfor %}", messages=[{"role": "assistant", "content": None, "tool_calls": [{"a": None}], "name": None}, {**USER, "tool_calls": None}]),
    case("parts", "{% for m in messages %}{% if m.content is string %}{{ m.content }}{% else %}{% for part in m.content %}{{ part.text | trim }};{% endfor %}{% endif %}{{ m.content }}{% endfor %}", messages=[USER, {"role": "user", "content": [{"type": "text", "text": " a "}, {"type": "text", "text": "b"}]}]),
    case("tools", "{{ tools | length }}{% for tool in tools %}{{ tool | tojson(indent=4) }}{{ tool }}{{ tool.function.parameters.properties | dictsort }}{% endfor %}", tools=TOOLS),
    case("carriage returns in messages stay", "{% for m in messages %}{{ m.content }}|{% endfor %}", messages=[{"role": "user", "content": "a\r\nb\r\ufeff"}]),
    # What is refused on both sides.
    *[case(f"refused: {source}", source) for source in [
        "{{ 'a' + 1 }}", "{{ 1 + none }}", "{{ [1] + 'a' }}", "{{ x.a }}", "{{ x() }}", "{{ x + 'a' }}", "{{ 'a' < 1 }}", "{{ none < 1 }}", "{{ 1 in 'a' }}", "{{ 1 in 2 }}",
        "{% for x in none %}{% endfor %}", "{% for x in 1 %}{% endfor %}", "{{ 1 | length }}", "{{ none | length }}", "{{ messages | map('trim') | length }}", "{% for a, b in [[1]] %}{% endfor %}",
        "{{ raise_exception('no ' ~ 1) }}", "{{ 1 // 0 }}", "{{ 1 / 0 }}", "{{ x | tojson }}", "{{ range(3) | tojson }}", "{{ {(1,): 2} | tojson }}", "{{ {[]: 1} }}", "{{ 'a'.split('') }}", "{{ 'a'.index('b') }}",
        "{{ range(100001) }}", "{{ range(1, 2, 0) }}", "{{ namespace(_a=1) }}", "{% set ns = namespace() %}{% set ns._a = 1 %}", "{% set m = {} %}{% set m.a = 1 %}", "{{ [].append(1) }}", "{{ messages.append(1) }}",
        "{% macro m(a) %}{% endmacro %}{{ m(1, 2) }}", "{% macro m(a) %}{% endmacro %}{{ m(b=1) }}", "{{ 'a'.upper(1) }}", "{{ 'a' | upper(1) }}", "{{ 1 | unheard_of }}", "{{ 1 is unheard_of }}", "{% unheard_of %}",
        "{{ 'a' ", "{% if true %}", "{% for x in [] %}", "{{ }}", "{{ 1 2 }}", "{% endif %}", "{{ (1 }}", "{% break %}", "{{ 'a }}", "{# a", "{% raw %}x", "{% set 1 = 2 %}", "{% set none = 2 %}", "{{ a b }}", "{{ 1 is odd is even }}",
        "{% macro m(a=1, b) %}{% endmacro %}", "{{ '%d' % 'a' }}", "{{ '%s' % (1, 2) }}", "{{ '{}'.format() }}", "{{ ['a', 1] | sort }}", "{{ [] | sum('a', 'b') }}", "{{ ['a'] | sum }}", "{{ loop.index }}", "{% do 1 %}", "{{ 'a' is defined(1) }}",
        "{% for x in [1] %}{{ loop(x) }}{% endfor %}", "{{ [1][[]] == x.y }}", "{{ -'a' }}", "{{ 'a' * 'b' }}", "{{ {} | dictsort(by='z') }}", "{{ messages | selectattr() | list }}", "{{ 1 | items | list }}", "{% set x, y = 1 %}", "{{ ns.a.b }}", "{% set a = 1 %}{{ a[1:] }}", "{% set a = {} %}{{ a[1:] }}", "{{ [1, 2] | urlencode }}", "{{ [1] | map('string') | last }}", "{{ x | attr('a') }}",
    ]],
]  # fmt: skip
