// The Python that runs inside: dbt's Jinja context over Debian's Jinja2. It takes and gives JSON, so that nothing of
// Python shows outside of jinja.cc.
#include "stir/jinja_source.h"

namespace dalgona::stir {

const char* const kJinjaSource = R"py(
import datetime, itertools, json, os, re, uuid
import jinja2, jinja2.ext, jinja2.nodes, jinja2.sandbox


class CompileError(Exception):
    """Raised by models and macros: exceptions.raise_compiler_error and wrong use of the context."""


class MacroReturn(BaseException):
    """{{ return(x) }}: leaves the macro with a value that is not text."""
    def __init__(self, value):
        self.value = value


class Undefined(jinja2.StrictUndefined):
    # A name nobody defined is an error where it is used, as in dbt; `is defined` still answers.
    pass


class TestBlock(jinja2.ext.Extension):
    # {% test name(model, column_name) %} ... {% endtest %} is a macro named test_name.
    tags = {"test"}

    def parse(self, parser):
        node = jinja2.nodes.Macro(lineno=next(parser.stream).lineno)
        node.name = "test_" + parser.parse_assign_target(name_only=True).name
        node.args, node.defaults = [], []
        parser.parse_signature(node)
        node.body = parser.parse_statements(("name:endtest",), drop_needle=True)
        return node


class Relation:
    def __init__(self, schema, identifier, cte=None, subquery=None):
        self.database, self.schema, self.identifier = None, schema, identifier
        self.name = self.table = identifier
        self.cte, self.subquery = cte, subquery
        self.type = "table"

    def render(self):
        if self.subquery is not None:
            return self.subquery
        if self.cte:
            return self.cte
        quote = lambda text: "`" + text.replace("\\", "\\\\").replace("`", "\\`") + "`"
        return quote(self.schema) + "." + quote(self.identifier)

    def include(self, **parts):
        if parts.get("schema", True):
            return self
        return Relation(self.schema, self.identifier, cte="`" + self.identifier + "`")

    __str__ = render
    __repr__ = render

    def __eq__(self, other):
        return isinstance(other, Relation) and str(self) == str(other)

    def __hash__(self):
        return hash(str(self))


class Row(tuple):
    def __new__(cls, values, names):
        row = super().__new__(cls, values)
        row.names = names
        return row

    def __getitem__(self, key):
        return super().__getitem__(self.names.index(key) if isinstance(key, str) else key)

    def get(self, key, default=None):
        return self[key] if key in self.names else default

    def keys(self):
        return tuple(self.names)

    def values(self):
        return tuple(self)

    def dict(self):
        return dict(zip(self.names, self))


class Column:
    def __init__(self, name, cells):
        self.name, self.cells = name, cells

    def values(self):
        return tuple(self.cells)

    def __iter__(self):
        return iter(self.cells)

    def __getitem__(self, at):
        return self.cells[at]

    def __len__(self):
        return len(self.cells)


class Columns(tuple):
    def __getitem__(self, key):
        if isinstance(key, str):
            for column in self:
                if column.name == key:
                    return column
            raise KeyError(key)
        return super().__getitem__(key)


class Table:
    """What run_query gives: rows and columns, as dbt's models expect them."""
    def __init__(self, answer):
        self.column_names = tuple(c["name"] for c in answer["meta"])
        self.rows = [Row(r, self.column_names) for r in answer["data"]]
        self.columns = Columns(Column(n, [r[i] for r in self.rows]) for i, n in enumerate(self.column_names))

    def __iter__(self):
        return iter(self.rows)

    def __len__(self):
        return len(self.rows)


class Namespace:
    """Attribute access to what a dict holds: target, model, modules."""
    def __init__(self, **values):
        self.__dict__.update(values)

    def __getitem__(self, key):
        return self.__dict__[key]

    def get(self, key, default=None):
        return self.__dict__.get(key, default)


BUILTIN_TESTS = '''
{% test unique(model, column_name) %}
select {{ column_name }} as unique_field, count(*) as n_records
from {{ model }}
where {{ column_name }} is not null
group by {{ column_name }}
having count(*) > 1
{% endtest %}
{% test not_null(model, column_name) %}
select {{ column_name }} as failing_field from {{ model }} where {{ column_name }} is null
{% endtest %}
{% test accepted_values(model, column_name, values, quote=True) %}
select value_field, n_records
from (select {{ column_name }} as value_field, count(*) as n_records from {{ model }} group by {{ column_name }})
where value_field not in (
  {%- for value in values -%}
    {{ "'" ~ (value | string | replace("\\\\", "\\\\\\\\") | replace("'", "\\\\'")) ~ "'" if quote else value }}
    {%- if not loop.last %}, {% endif -%}
  {%- endfor -%}
)
{% endtest %}
{% test relationships(model, column_name, to, field) %}
select child.from_field as from_field
from (select {{ column_name }} as from_field from {{ model }} where {{ column_name }} is not null) as child
where child.from_field not in (select {{ field }} from {{ to }} where {{ field }} is not null)
{% endtest %}
'''


# Prefixed, as in dbt, a macro does not find itself or its neighbours under their own names: each call goes through the
# context, where return() ends the macro that says it and no other.
MACRO_PREFIX = "dbt_macro__"


class Macro:
    """A macro of the project, bound to the context of the node that calls it."""
    def __init__(self, context, name, template):
        self.context, self.name, self.template = context, name, template

    def __call__(self, *args, **kwargs):
        modules = self.context["__modules"]
        if self.name not in modules:
            modules[self.name] = self.template.make_module(
                {k: v for k, v in self.context.items() if k != "__modules"})
        try:
            return getattr(modules[self.name], MACRO_PREFIX + self.name)(*args, **kwargs)
        except MacroReturn as returned:
            return returned.value


class Config:
    def __init__(self, given, seen):
        self.given, self.seen = given, seen

    def __call__(self, *args, **kwargs):
        if args and isinstance(args[0], dict):
            kwargs = {**args[0], **kwargs}
        self.seen.update(kwargs)
        return ""

    def value(self, name, default):
        if name in self.seen:
            return self.seen[name]
        return self.given.get(name, default)

    def get(self, name, default=None, validator=None):
        return self.value(name, default)

    def require(self, name, validator=None):
        value = self.value(name, None)
        if value is None:
            raise CompileError(f"config '{name}' is required and not set")
        return value


class Project:
    def __init__(self, text):
        given = json.loads(text)
        self.given = given
        self.environment = jinja2.sandbox.SandboxedEnvironment(
            extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols", TestBlock], undefined=Undefined, autoescape=False)
        self.environment.filters["as_text"] = str
        self.environment.filters["as_bool"] = bool
        self.environment.filters["as_native"] = lambda x: x
        self.environment.filters["as_number"] = lambda x: float(x) if "." in str(x) else int(x)
        self.macros = {}
        self.files = set()
        self.templates = {}
        self.error = None
        for file in [{"path": "dalgona's own tests", "source": BUILTIN_TESTS}] + given["macros"]:
            try:
                self.add_macros(file["path"], file["source"])
            except Exception as e:
                self.error = self.failure(e, file["path"])
                break

    def compile(self, path, source):
        self.files.add(path)
        code = self.environment.compile(source, name=path, filename=path)
        return jinja2.Template.from_code(self.environment, code, {})

    def add_macros(self, path, source):
        self.files.add(path)
        count = sum(isinstance(n, jinja2.nodes.Macro)
                    for n in self.environment.parse(source, name=path, filename=path).body)
        for at in range(count):
            # A template for each: this macro and what stands between macros ({% set %}).
            tree = self.environment.parse(source, name=path, filename=path)
            macro = [n for n in tree.body if isinstance(n, jinja2.nodes.Macro)][at]
            tree.body = [n for n in tree.body if n is macro or not isinstance(n, jinja2.nodes.Macro)]
            name, macro.name = macro.name, MACRO_PREFIX + macro.name
            if name in self.macros and self.macros[name].name != "dalgona's own tests":
                raise CompileError(f"macro '{name}' is defined in {self.macros[name].name} and again in {path}")
            code = self.environment.compile(tree, name=path, filename=path)
            self.macros[name] = jinja2.Template.from_code(self.environment, code, {})

    def failure(self, e, path):
        file, line = path, None
        if isinstance(e, jinja2.TemplateSyntaxError):
            file, line = e.filename or path, e.lineno
            text = e.message
        else:
            # Jinja rewrites its frames to the templates' own lines; the innermost is where it went wrong, and of nested
            # ones the model is named too.
            at, frames = e.__traceback__, []
            while at is not None:
                name = at.tb_frame.f_code.co_filename
                if name in self.files:
                    frames.append((name, at.tb_lineno))
                at = at.tb_next
            text = str(e) if isinstance(e, (CompileError, jinja2.UndefinedError)) else f"{type(e).__name__}: {e}"
            if frames:
                file, line = frames[-1]
                for name, number in reversed(frames[:-1]):
                    if name != file:
                        text += f" (called from {name}:{number})"
                        break
        return {"message": text, "file": file, "line": line}

    def render(self, text, run_query):
        request = json.loads(text)
        try:
            return json.dumps(self.rendered(request, run_query), default=str)
        except (Exception, MacroReturn) as e:
            return json.dumps({"error": self.failure(e, request["path"])}, default=str)

    def rendered(self, request, run_query):
        seen = {"refs": [], "sources": [], "config": {}, "logs": []}
        context = self.context(request, run_query, seen)
        if "test_macro" in request:
            macro = context.get(request["test_macro"])
            if macro is None:
                raise CompileError(f"there is no test '{request['test_macro'][5:]}'")
            self.files.add(request["path"])
            kwargs = {k: self.argument(v, context) for k, v in request["kwargs"].items()}
            model = self.argument(request["tested"], context)
            if request.get("where"):
                model = Relation("", "", subquery=f"(select * from {model} where {request['where']}) as dbt_subquery")
            sql = macro(model=model, **kwargs)
        else:
            # dbt strips a file before it compiles it.
            source = request["source"]
            skipped = len(source) - len(source.lstrip())
            key = (request["path"], source)
            if key not in self.templates:
                # The leading lines are kept as a comment's worth of newlines, so that errors name the file's own lines.
                lead = "{# #}" + "{#" + "\n" * source[:skipped].count("\n") + "#}"
                self.templates[key] = self.compile(request["path"], (lead if skipped else "") + source.strip())
            sql = self.templates[key].render({k: v for k, v in context.items() if k != "__modules"})
        return {"sql": str(sql), **seen}

    def argument(self, value, context):
        if isinstance(value, str):
            if re.match(r"^\s*(ref|source|var)\s*\(", value):
                return self.environment.compile_expression(value, undefined_to_none=False)(
                    {k: v for k, v in context.items() if k != "__modules"})
            if "{{" in value or "{%" in value:
                return self.environment.from_string(value).render(
                    {k: v for k, v in context.items() if k != "__modules"})
        if isinstance(value, list):
            return [self.argument(v, context) for v in value]
        return value

    def context(self, request, run_query, seen):
        given, parsing = self.given, request["mode"] == "parse"
        context = {"__modules": {}}

        def ref(*args, version=None, v=None):
            if not 1 <= len(args) <= 2 or not all(isinstance(a, str) for a in args):
                raise CompileError("ref() takes a model's name, or a package and a name")
            name = args[-1]
            if len(args) == 2 and args[0] != given["project"]:
                raise CompileError(f"ref('{args[0]}', '{name}'): there is no package '{args[0]}'")
            if name not in seen["refs"]:
                seen["refs"].append(name)
            if parsing:
                return Relation(given["target"]["schema"], name)
            if name not in request["refs"]:
                raise CompileError(f"ref('{name}') was not seen when the model was parsed: it stands behind a condition "
                                   f"that only holds at run time; name it in a comment: -- depends_on: {{{{ ref('{name}') }}}}")
            return Relation(**request["refs"][name])

        def source(*args):
            if len(args) != 2:
                raise CompileError("source() takes a source's name and a table's name")
            key = args[0] + "." + args[1]
            if key not in given["sources"]:
                raise CompileError(f"there is no source '{args[0]}' with a table '{args[1]}' in any .yml")
            if key not in seen["sources"]:
                seen["sources"].append(key)
            return Relation(**given["sources"][key])

        def var(name, default=Undefined):
            if name in given["vars"]:
                return given["vars"][name]
            if default is Undefined:
                raise CompileError(f"var '{name}' is not set: give it in dbt_project.yml or with --vars")
            return default
        var_object = type("Var", (), {"__call__": staticmethod(var),
                                      "has_var": staticmethod(lambda name: name in given["vars"]),
                                      "get": staticmethod(lambda name, default=None: given["vars"].get(name, default))})()

        def env_var(name, default=None):
            value = os.environ.get(name, default)
            if value is None:
                raise CompileError(f"environment variable '{name}' is not set")
            return value

        def dispatch(name, macro_namespace=None, packages=None):
            for prefix in ("clickhouse__", "default__"):
                if prefix + name in self.macros:
                    return context[prefix + name]
            raise CompileError(f"no macro clickhouse__{name} or default__{name}")

        results = {}

        def query(sql):
            if parsing or not str(sql).strip():
                return None
            answer = json.loads(run_query(str(sql)))
            if "error" in answer:
                raise CompileError(answer["error"])
            return Table(answer)

        def statement(name=None, fetch_result=False, auto_begin=True, language="sql", caller=None):
            table = query(caller())
            if name is not None:
                results[name] = Namespace(table=table, data=[list(r) for r in table.rows] if table else [],
                                          response="OK")
            return ""

        def raise_compiler_error(message, node=None):
            raise CompileError(str(message))

        def log(message, info=False):
            if not parsing:
                seen["logs"].append(str(message))
            return ""

        def give(value=None):
            raise MacroReturn(value)

        def get_relation(database=None, schema=None, identifier=None):
            table = query("select 1 from system.tables where database = " + literal(schema) + " and name = " +
                          literal(identifier))
            return Relation(schema, identifier) if table is not None and len(table) else None

        def columns_in(relation):
            table = query("select name, type from system.columns where database = " + literal(relation.schema) +
                          " and table = " + literal(relation.identifier) + " order by position")
            if table is None:
                return []
            return [Namespace(name=r[0], column=r[0], quoted="`" + r[0] + "`", dtype=r[1], data_type=r[1])
                    for r in table.rows]

        def literal(text):
            return "'" + str(text).replace("\\", "\\\\").replace("'", "\\'") + "'"

        def from_json(text, default=None):
            try:
                return json.loads(text)
            except ValueError:
                return default

        adapter = Namespace(
            dispatch=dispatch, get_relation=get_relation, get_columns_in_relation=columns_in, type=lambda: "clickhouse",
            quote=lambda name: "`" + str(name).replace("`", "\\`") + "`")
        context.update(
            ref=ref, source=source, config=Config(request.get("config", {}), seen["config"]), var=var_object,
            env_var=env_var, is_incremental=lambda: bool(request.get("is_incremental")) and not parsing,
            this=Relation(request["this"]["schema"], request["this"]["identifier"]) if request.get("this") else None,
            target=Namespace(**given["target"]), schema=given["target"]["schema"], database=None,
            adapter=adapter, run_query=query, statement=statement, load_result=lambda name: results.get(name),
            execute=not parsing, log=log, print=log,
            exceptions=Namespace(raise_compiler_error=raise_compiler_error, warn=log), zip=lambda *a: list(zip(*a)),
            set=lambda *a: set(*a), tojson=lambda x, default=None: json.dumps(x, default=str), fromjson=from_json,
            modules=Namespace(datetime=datetime, re=re, itertools=itertools), invocation_id=given["invocation_id"],
            run_started_at=datetime.datetime.now(datetime.timezone.utc), dbt_version="1.9.0",
            project_name=given["project"], api=Namespace(Relation=Namespace(create=lambda database=None, schema=None,
                identifier=None, type=None: Relation(schema, identifier))),
            flags=Namespace(FULL_REFRESH=bool(request.get("full_refresh")), WHICH="run"), builtins={},
            model=Namespace(**request.get("model", {"name": request.get("name", "")})), doc=lambda *a: "")
        context["return"] = give
        context["builtins"] = {"ref": ref, "source": source, "config": context["config"]}
        package = {}
        for name, template in self.macros.items():
            package[name] = context[name] = Macro(context, name, template)
        context[given["project"]] = Namespace(**package)
        return context
)py";

}  // namespace dalgona::stir
