/* java: what a Java process runs, and with which flags.
 *
 * argv is read as the launcher does (java(1)): options up to the main class, the jar or the module; some take the next
 * word. What follows belongs to the program. The environment adds options, in this order, the last one wins:
 * JAVA_TOOL_OPTIONS, JDK_JAVA_OPTIONS, the command line, _JAVA_OPTIONS. It is a lazy input: of a process that is not
 * Java it is never read. Where it can't be read, a flag that it could change is unknown.
 */
#include "selfsame.h"

SS_MANIFEST({
  "name": "java",
  "version": "1.0.0",
  "summary": "main class, jar, module and flags of a Java process",
  "fields": [
    {"name": "main", "type": "string", "export": "java_main", "inputs": ["argv"],
     "summary": "what it runs: the main class, the jar as written, the module or the source file",
     "examples": [
       {"match": "java.main == \"com.acme.Shop\"",
        "inputs": {"argv": ["/usr/bin/java", "-cp", "/opt/a.jar:/opt/b.jar", "com.acme.Shop", "--port", "80"]}, "value": "com.acme.Shop"},
       {"match": "java.main ends_with \"/shop.jar\"",
        "inputs": {"argv": ["java", "-Xmx512m", "-jar", "/opt/shop.jar"]}, "value": "/opt/shop.jar"},
       {"match": "!has(java.main)", "inputs": {"argv": ["/usr/sbin/nginx", "-g", "daemon off;"]}, "value": null}]},
    {"name": "kind", "type": "string", "export": "java_kind", "inputs": ["argv"],
     "summary": "how it was said what to run: class, jar, module or source",
     "examples": [
       {"match": "java.kind == \"module\"",
        "inputs": {"argv": ["java", "-p", "/opt/mods", "-m", "com.acme/com.acme.Main"]}, "value": "module"}]},
    {"name": "name", "type": "string", "export": "java_name", "inputs": ["argv"],
     "summary": "short name: the class without its package, the jar without folder and ending",
     "examples": [
       {"match": "java.name == \"Kafka\"",
        "inputs": {"argv": ["java", "-Xmx1G", "-cp", "/opt/kafka/libs/*", "kafka.Kafka", "/etc/kafka.properties"]}, "value": "Kafka"}]},
    {"name": "jar", "type": "path", "export": "java_jar", "inputs": ["argv"],
     "summary": "the file behind -jar, as written",
     "examples": [
       {"match": "java.jar under \"/opt\"", "inputs": {"argv": ["java", "-jar", "/opt/shop.jar"]}, "value": "/opt/shop.jar"}]},
    {"name": "argfiles", "type": "list<string>", "export": "java_argfiles", "inputs": ["argv"],
     "summary": "files of arguments (@FILE) that the launcher read; what stands in them is not known here",
     "examples": [
       {"match": "any(java.argfiles, f => f == \"/etc/shop.args\")",
        "inputs": {"argv": ["java", "@/etc/shop.args", "-jar", "shop.jar", "@mine"]}, "value": ["/etc/shop.args"]}]},
    {"name": "heap_max", "type": "size", "export": "java_heap_max",
     "inputs": ["argv", {"field": "env", "optional": true, "lazy": true}],
     "summary": "the largest heap that was asked for: -Xmx, -XX:MaxHeapSize",
     "examples": [
       {"match": "java.heap_max > 1GiB", "inputs": {"argv": ["java", "-Xmx2g", "-jar", "a.jar"], "env": {}}, "value": "2GiB"},
       {"match": "java.heap_max == 64MiB",
        "inputs": {"argv": ["java", "-Xmx2g", "-jar", "a.jar"], "env": {"_JAVA_OPTIONS": "-Xss1m -Xmx64m"}}, "value": "64MiB"}]},
    {"name": "heap_min", "type": "size", "export": "java_heap_min",
     "inputs": ["argv", {"field": "env", "optional": true, "lazy": true}],
     "summary": "the heap that was asked for at the start: -Xms, -XX:InitialHeapSize",
     "examples": [
       {"match": "java.heap_min == 256KiB", "inputs": {"argv": ["java", "-Xms256k", "-jar", "a.jar"], "env": {}}, "value": "256KiB"}]},
    {"name": "agents", "type": "list<string>", "export": "java_agents",
     "inputs": ["argv", {"field": "env", "optional": true, "lazy": true}],
     "summary": "agents without their options: jars (-javaagent), names (-agentlib), paths (-agentpath)",
     "examples": [
       {"match": "any(java.agents, a => a like \"/opt/*\")",
        "inputs": {"argv": ["java", "-javaagent:/opt/apm.jar=env=prod", "-agentlib:jdwp=transport=dt_socket", "A"], "env": {}},
        "value": ["/opt/apm.jar", "jdwp"]}]},
    {"name": "debug_port", "type": "int", "export": "java_debug_port",
     "inputs": ["argv", {"field": "env", "optional": true, "lazy": true}],
     "summary": "port of the debugger: address of -agentlib:jdwp",
     "examples": [
       {"match": "has(java.debug_port)",
        "inputs": {"argv": ["java", "-agentlib:jdwp=transport=dt_socket,server=y,suspend=n,address=*:5005", "A"], "env": {}},
        "value": 5005}]}],
  "functions": [
    {"name": "property", "params": [{"name": "name", "type": "string"}], "result": "string", "export": "java_property",
     "inputs": ["argv", {"field": "env", "optional": true, "lazy": true}], "pure": false,
     "summary": "value of a system property: -DNAME=VALUE",
     "examples": [
       {"match": "java.property(\"spring.profiles.active\") == \"prod\"", "arguments": ["spring.profiles.active"],
        "inputs": {"argv": ["java", "-Dspring.profiles.active=prod", "-jar", "a.jar"], "env": {}}, "value": "prod"}]}]
})

/* ---- the command line ---- */

enum kind { NOT_JAVA, NOTHING, CLASS, JAR, MODULE, SOURCE, IN_FILE };

/* A walk over the words of argv. */
typedef struct {
  ss_reader words;
  ss_u32 left;
  int jar;    /* -jar was said: the main word is a file */
  int source; /* --source was said */
  int files;  /* files of arguments so far */
  int verbatim; /* --disable-@files was said */
  enum kind kind;
  ss_text main;
} line;

static int next(line *l, ss_text *word) {
  if (l->left == 0) return 0;
  l->left--;
  *word = ss_get_text(&l->words);
  return 1;
}

/* Options whose value is the next word. */
static int takes_word(ss_text o) {
  static const ss_text all[] = {
      SS("-cp"), SS("-classpath"), SS("--class-path"), SS("-p"), SS("--module-path"), SS("--upgrade-module-path"),
      SS("--add-modules"), SS("--limit-modules"), SS("--add-reads"), SS("--add-exports"), SS("--add-opens"),
      SS("--patch-module"), SS("--enable-native-access"), SS("--illegal-native-access"), SS("--source"),
      SS("-d"), SS("--describe-module")};
  for (ss_u32 i = 0; i < sizeof(all) / sizeof(*all); i++)
    if (ss_equal(o, all[i])) return 1;
  return 0;
}

/* `java`, `javaw`, and with a version: `java-17`, `java8`. Not `javac`. */
static int is_launcher(ss_text word) {
  ss_text name = ss_after_last(word, '/');
  if (!ss_starts(name, SS("java"))) return 0;
  name = ss_rest(name, ss_starts(name, SS("javaw")) && name.len == 5 ? 5 : 4);
  for (ss_u32 i = 0; i < name.len; i++)
    if (!((name.ptr[i] >= '0' && name.ptr[i] <= '9') || name.ptr[i] == '-' || name.ptr[i] == '.')) return 0;
  return 1;
}

/* Begins the walk behind argv[0]; false if that is no launcher. */
static int begin(line *l, ss_reader argv) {
  *l = (line){argv, 0, 0, 0, 0, 0, NOT_JAVA, {"", 0}};
  ss_text first;
  l->left = ss_get_list(&l->words);
  if (!next(l, &first) || !is_launcher(first)) return 0;
  l->kind = NOTHING;
  return 1;
}

static void settle(line *l, enum kind kind, ss_text main) {
  l->kind = kind;
  l->main = main;
}

/* The next option of the launcher, or its file of arguments; false when the main word is reached or argv ends. */
static int option(line *l, ss_text *word) {
  if (!next(l, word)) return 0;
  if (ss_starts(*word, SS("@")) && !l->verbatim) {
    if (!ss_starts(*word, SS("@@"))) {
      l->files++;
      return 1;
    }
    *word = ss_rest(*word, 1); /* `@@x` stands for the word `@x` */
  }
  if (!ss_starts(*word, SS("-"))) {
    int source = l->source || (ss_ends(*word, SS(".java")) && !l->jar);
    /* A bare word behind a file of arguments may be the program's: the file can name the class. */
    if (l->files > 0 && !l->jar && !l->source) settle(l, IN_FILE, *word);
    else settle(l, l->jar ? JAR : source ? SOURCE : CLASS, *word);
    return 0;
  }
  if (ss_equal(*word, SS("-m")) || ss_equal(*word, SS("--module"))) {
    ss_text module;
    if (next(l, &module)) settle(l, MODULE, module);
    return 0;
  }
  if (ss_starts(*word, SS("--module="))) {
    settle(l, MODULE, ss_rest(*word, 9));
    return 0;
  }
  if (ss_equal(*word, SS("--disable-@files"))) l->verbatim = 1;
  if (ss_equal(*word, SS("-jar"))) l->jar = 1;
  if (ss_equal(*word, SS("--source")) || ss_starts(*word, SS("--source="))) l->source = 1;
  ss_text value;
  if (takes_word(*word)) next(l, &value);
  return 1;
}

static line whole(ss_reader argv) {
  line l;
  ss_text word;
  if (begin(&l, argv))
    while (option(&l, &word)) {
    }
  if (l.kind == NOTHING && l.files > 0) l.kind = IN_FILE;
  return l;
}

/* `in` stands at argv; absent of kernel threads and zombies. */
static ss_reader argv_of(ss_reader *in) {
  static const ss_u8 none[5] = {SS_LIST, 0, 0, 0, 0};
  ss_reader argv = *in;
  if (ss_is_absent(in)) argv = (ss_reader){none, none + 5, 0};
  ss_skip(in);
  return argv;
}

static ss_i64 in_file(void) {
  return ss_unknown(SS("what it runs can stand in a file of arguments (see `java.argfiles`), which is not read"));
}

SS_ENTRY(java_main) {
  line l = whole(argv_of(in));
  if (l.kind == IN_FILE) return in_file();
  return l.kind >= CLASS ? ss_string(l.main) : ss_absent();
}

SS_ENTRY(java_kind) {
  switch (whole(argv_of(in)).kind) {
  case CLASS: return ss_string(SS("class"));
  case JAR: return ss_string(SS("jar"));
  case MODULE: return ss_string(SS("module"));
  case SOURCE: return ss_string(SS("source"));
  case IN_FILE: return in_file();
  default: return ss_absent();
  }
}

SS_ENTRY(java_name) {
  line l = whole(argv_of(in));
  if (l.kind == IN_FILE) return in_file();
  if (l.kind < CLASS) return ss_absent();
  if (l.kind == JAR || l.kind == SOURCE) {
    ss_text file = ss_after_last(l.main, '/');
    ss_text end = l.kind == JAR ? SS(".jar") : SS(".java");
    return ss_string(ss_ends(file, end) ? ss_slice(file, 0, file.len - end.len) : file);
  }
  /* A module names its class behind a slash, or has a main class of its own that isn't seen here. */
  if (l.kind == MODULE && ss_index(l.main, '/') == l.main.len) return ss_string(l.main);
  return ss_string(ss_after_last(ss_after_last(l.main, '/'), '.'));
}

SS_ENTRY(java_jar) {
  line l = whole(argv_of(in));
  if (l.kind == IN_FILE) return in_file();
  return l.kind == JAR ? ss_path(l.main) : ss_absent();
}

SS_ENTRY(java_argfiles) {
  line l;
  ss_text word;
  if (!begin(&l, argv_of(in))) return ss_absent();
  ss_u32 count = 0, place = ss_put_list(0);
  int seen = 0;
  while (option(&l, &word)) {
    if (l.files > seen) {
      seen = l.files;
      ss_put_string(ss_rest(word, 1));
      count++;
    }
  }
  ss_set_count(place, count);
  return ss_done();
}

/* ---- options from all places ---- */

/* All options that reach the JVM, in the order in which they count. */
typedef struct {
  line line;
  int java;
  int stage;      /* which variable of the environment, or the line */
  ss_reader env;  /* at the map; `bad` if it can't be had */
  ss_text rest;   /* of the variable at hand */
  ss_text why;    /* why the environment can't be read; empty if it can */
  char *room;     /* for its words without their quotes */
  ss_text held;   /* such a word */
} options;

static ss_text variable(ss_reader env, ss_text name) {
  ss_text found = SS("");
  if (ss_peek(&env) != SS_MAP) return found;
  for (ss_u32 n = ss_get_map(&env); n > 0; n--) {
    ss_text key = ss_get_key(&env);
    if (ss_equal(key, name) && (ss_peek(&env) == SS_STRING)) found = ss_get_text(&env);
    else ss_skip(&env);
  }
  return found;
}

/* Begins with the words of a variable. */
static void enter(options *o, ss_text name) {
  o->rest = o->why.len == 0 ? variable(o->env, name) : SS("");
  o->room = o->rest.len > 0 ? ss_room(o->rest.len) : 0;
}

/* `index` is that of `env` among the inputs of the entry. */
static options all_options(ss_reader *in, ss_u32 index) {
  options o = {{{0, 0, 0}, 0, 0, 0, 0, 0, NOT_JAVA, {"", 0}}, 0, 0, {0, 0, 0}, {"", 0}, {"", 0}, 0, {"", 0}};
  o.java = begin(&o.line, argv_of(in));
  if (!o.java) return o;
  o.env = ss_lazy(index);
  ss_reader env = o.env;
  if (env.bad) o.why = SS("the environment can't be had");
  else if (ss_is_unknown(&env)) o.why = ss_get_text(&env);
  enter(&o, SS("JAVA_TOOL_OPTIONS"));
  return o;
}

static int is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v'; }

/* A word of a variable, split as the JVM does: at blanks, with quotes around parts. */
static int word_of(options *o) {
  ss_u32 i = 0, n = 0;
  while (i < o->rest.len && is_blank(o->rest.ptr[i])) i++;
  if (i == o->rest.len || !o->room) return 0;
  char quote = 0;
  for (; i < o->rest.len && (quote || !is_blank(o->rest.ptr[i])); i++) {
    char c = o->rest.ptr[i];
    if (quote ? c == quote : (c == '"' || c == '\'')) quote = quote ? 0 : c;
    else o->room[n++] = c;
  }
  o->held = (ss_text){o->room, n};
  o->room += n;
  o->rest = ss_rest(o->rest, i);
  return 1;
}

static int next_option(options *o, ss_text *word) {
  while (o->java) {
    if (o->stage == 2) {
      if (option(&o->line, word)) return 1;
      o->stage = 3;
      enter(o, SS("_JAVA_OPTIONS"));
    } else if (word_of(o)) {
      *word = o->held;
      if (o->stage == 1 && ss_starts(*word, SS("@"))) o->line.files++; /* only the launcher's variable has them */
      return 1;
    } else if (o->stage == 0) {
      o->stage = 1;
      enter(o, SS("JDK_JAVA_OPTIONS"));
    } else if (o->stage == 1) {
      o->stage = 2;
    } else {
      return 0;
    }
  }
  return 0;
}

/* Unknown, if something that was not read could have said otherwise; else 0. */
static ss_i64 in_doubt(const options *o) {
  if (!o->java) return 0;
  if (o->why.len > 0) return ss_unknown(o->why);
  if (o->line.files > 0) return ss_unknown(SS("the flag can stand in a file of arguments (see `java.argfiles`), which is not read"));
  return 0;
}

/* `512m`, `2G`, `1048576`; -1 if it is no size. */
static ss_i64 size(ss_text t) {
  ss_u64 value = 0;
  ss_u32 i = 0;
  for (; i < t.len && t.ptr[i] >= '0' && t.ptr[i] <= '9'; i++) {
    if (value > 0x0ccccccccccccccbull / 16) return -1;
    value = value * 10 + (ss_u64)(t.ptr[i] - '0');
  }
  if (i == 0) return -1;
  ss_u32 shift = 0;
  if (i < t.len) {
    switch (t.ptr[i++] | 0x20) {
    case 'k': shift = 10; break;
    case 'm': shift = 20; break;
    case 'g': shift = 30; break;
    case 't': shift = 40; break;
    default: return -1;
    }
  }
  return i == t.len && value <= 0x7fffffffffffffffull >> shift ? (ss_i64)(value << shift) : -1;
}

static ss_i64 heap(ss_reader *in, ss_text small, ss_text large) {
  options o = all_options(in, 1);
  ss_text word;
  ss_i64 found = -2;
  while (next_option(&o, &word)) {
    if (ss_starts(word, small)) found = size(ss_rest(word, small.len));
    else if (ss_starts(word, large)) found = size(ss_rest(word, large.len));
  }
  ss_i64 doubt = in_doubt(&o);
  if (doubt) return doubt;
  if (found == -1) return ss_unknown(SS("the flag's value is no size"));
  return found >= 0 ? ss_size(found) : ss_absent();
}

SS_ENTRY(java_heap_max) { return heap(in, SS("-Xmx"), SS("-XX:MaxHeapSize=")); }
SS_ENTRY(java_heap_min) { return heap(in, SS("-Xms"), SS("-XX:InitialHeapSize=")); }

/* The part of an agent's option behind the colon, and whether it is one. */
static int agent(ss_text word, ss_text *rest) {
  static const ss_text kinds[] = {SS("-javaagent:"), SS("-agentlib:"), SS("-agentpath:"), SS("-Xrun")};
  for (int i = 0; i < 4; i++)
    if (ss_starts(word, kinds[i])) {
      *rest = ss_rest(word, kinds[i].len);
      return 1;
    }
  return 0;
}

/* Options come behind `=`; those of -Xrun behind `:`. */
static ss_text agent_name(ss_text word, ss_text rest) {
  return ss_slice(rest, 0, ss_index(rest, ss_starts(word, SS("-Xrun")) ? ':' : '='));
}

SS_ENTRY(java_agents) {
  options o = all_options(in, 1);
  ss_text word, rest;
  ss_u32 count = 0, place = ss_put_list(0);
  while (next_option(&o, &word)) {
    if (!agent(word, &rest)) continue;
    ss_put_string(agent_name(word, rest));
    count++;
  }
  if (!o.java) return ss_absent();
  ss_i64 doubt = in_doubt(&o);
  if (doubt) return doubt;
  ss_set_count(place, count);
  return ss_done();
}

/* The port in `transport=dt_socket,address=*:5005`; -1 if there is none. */
static ss_i64 port(ss_text settings) {
  while (settings.len > 0) {
    ss_u32 end = ss_index(settings, ',');
    ss_text one = ss_slice(settings, 0, end);
    settings = ss_rest(settings, end + 1);
    if (!ss_starts(one, SS("address="))) continue;
    ss_text digits = ss_after_last(ss_rest(one, 8), ':');
    ss_i64 value = 0;
    for (ss_u32 i = 0; i < digits.len; i++) {
      if (digits.ptr[i] < '0' || digits.ptr[i] > '9' || value > 65535) return -1;
      value = value * 10 + (digits.ptr[i] - '0');
    }
    return digits.len > 0 && value <= 65535 ? value : -1;
  }
  return -1;
}

SS_ENTRY(java_debug_port) {
  options o = all_options(in, 1);
  ss_text word, rest;
  ss_i64 found = -1;
  while (next_option(&o, &word)) {
    if (!agent(word, &rest)) continue;
    ss_text name = agent_name(word, rest);
    if (ss_equal(name, SS("jdwp"))) found = port(ss_rest(rest, name.len + 1));
  }
  ss_i64 doubt = in_doubt(&o);
  if (doubt) return doubt;
  return found >= 0 ? ss_int(found) : ss_absent();
}

SS_ENTRY(java_property) {
  ss_text wanted = ss_get_text(in);
  options o = all_options(in, 1);
  ss_text word, value = SS("");
  int found = 0;
  while (next_option(&o, &word)) {
    if (!ss_starts(word, SS("-D"))) continue;
    ss_text pair = ss_rest(word, 2);
    ss_u32 end = ss_index(pair, '=');
    if (!ss_equal(ss_slice(pair, 0, end), wanted)) continue;
    value = ss_rest(pair, end + 1);
    found = 1;
  }
  ss_i64 doubt = in_doubt(&o);
  if (doubt) return doubt;
  return found ? ss_string(value) : ss_absent();
}
