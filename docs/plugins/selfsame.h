/* selfsame.h: plugins for selfsame in C, ABI 1. See docs/plugins.md.
 *
 * One header, no library: for one file of freestanding C, built by clang for wasm32:
 *
 *   clang --target=wasm32 -O2 -nostdlib -ffreestanding -fno-builtin -Wl,--no-entry \
 *         -Wl,--stack-first -Wl,-z,stack-size=32768 -o hello.wasm hello.c
 *
 * A plugin is a manifest and one function for each entry of it:
 *
 *   SS_MANIFEST({"name": "hello", "version": "1.0.0", "summary": "...", "fields": [...]})
 *
 *   SS_ENTRY(hello_first) {
 *       ss_u32 words = ss_get_list(in);
 *       return words ? ss_string(ss_get_text(in)) : ss_absent();
 *   }
 *
 * `in` holds the arguments in the order of the parameters, then the inputs in the order of the manifest, without the
 * lazy ones. Reading is total: what has another form than was asked for reads as 0 or as an empty text, and the result
 * of the call becomes unknown, whatever is returned.
 */
#ifndef SELFSAME_H
#define SELFSAME_H

#if !defined(__wasm32__)
#error "plugins are WebAssembly: build with clang --target=wasm32"
#endif

typedef unsigned char ss_u8;
typedef unsigned int ss_u32;
typedef long long ss_i64;
typedef unsigned long long ss_u64;

/* Bytes that belong to somebody else: a part of an input, a literal. Valid until the call ends. */
typedef struct {
  const char *ptr;
  ss_u32 len;
} ss_text;

/* A literal as a text. */
#define SS(literal) ((ss_text){"" literal, sizeof(literal) - 1})

/* The tags of encoded values. */
enum ss_tag {
  SS_ABSENT = 0x00,
  SS_BOOL = 0x01,
  SS_INT = 0x02,
  SS_STRING = 0x03,
  SS_PATH = 0x04,
  SS_SIZE = 0x05,     /* bytes */
  SS_DURATION = 0x06, /* nanoseconds */
  SS_TIME = 0x07,     /* nanoseconds since 1970 */
  SS_RATIO = 0x08,    /* millionths: 80% is 800000 */
  SS_IP = 0x09,
  SS_CIDR = 0x0a,
  SS_LIST = 0x0b,
  SS_MAP = 0x0c,
  SS_ENUM = 0x0d,   /* a word of an enumeration */
  SS_OPAQUE = 0x0e, /* a value of a type of the plugin: bytes that it alone understands */
  SS_UNKNOWN = 0x0f
};

#define SS_EXPORT(name) __attribute__((export_name(name)))
#define SS_IMPORT(name) __attribute__((import_module("selfsame"), import_name(name)))

/* What the host offers. Only what a plugin calls becomes an import of the module. */
SS_IMPORT("log") void ss_host_log(ss_u32 level, const void *text, ss_u32 len);
SS_IMPORT("now") ss_i64 ss_host_now(void);
SS_IMPORT("input") int ss_host_input(ss_u32 index, void *out, ss_u32 cap);
SS_IMPORT("file") int ss_host_file(const void *path, ss_u32 len, void *out, ss_u32 cap);
SS_IMPORT("find") int ss_host_find(const void *hay, ss_u32 hay_len, const void *needle, ss_u32 needle_len);
SS_IMPORT("split") int ss_host_split(const void *hay, ss_u32 len, ss_u32 byte, ss_u32 *pairs, ss_u32 cap);
SS_IMPORT("regex")
int ss_host_regex(const void *hay, ss_u32 len, const void *pattern, ss_u32 pattern_len, ss_u32 *pairs, ss_u32 cap);

/* ---- memory: the input lies behind everything of the program, what else is needed behind the input ---- */

extern ss_u8 __heap_base;
static ss_u32 ss_input_room;
static ss_u32 ss_more_used;

/* Whether memory reaches so far; asks for more if not. */
static inline int ss_reach(ss_u64 end) {
  ss_u64 have = (ss_u64)__builtin_wasm_memory_size(0) << 16;
  if (end <= have) return 1;
  return __builtin_wasm_memory_grow(0, (ss_u32)((end - have + 0xffff) >> 16)) != (ss_u32)-1;
}

SS_EXPORT("selfsame_buffer") ss_u32 selfsame_buffer(ss_u32 len) {
  ss_u32 base = (ss_u32)&__heap_base;
  if (!ss_reach((ss_u64)base + len)) return 0;
  if (len > ss_input_room) ss_input_room = len;
  return base;
}

/* Room for `len` bytes until the call ends; 0 if there is none. */
static inline void *ss_room(ss_u32 len) {
  ss_u64 from = ((ss_u64)(ss_u32)&__heap_base + ss_input_room + ss_more_used + 7) & ~7ull;
  if (!ss_reach(from + len)) return 0;
  ss_more_used = (ss_u32)(from + len) - (ss_u32)&__heap_base - ss_input_room;
  return (void *)(ss_u32)from;
}

/* The compiler may call these by itself. */
__attribute__((weak)) void *memcpy(void *to, const void *from, unsigned long n) {
  ss_u8 *t = to;
  const ss_u8 *f = from;
  while (n--) *t++ = *f++;
  return to;
}
__attribute__((weak)) void *memset(void *to, int byte, unsigned long n) {
  ss_u8 *t = to;
  while (n--) *t++ = (ss_u8)byte;
  return to;
}

/* ---- texts ---- */

static inline int ss_equal(ss_text a, ss_text b) {
  if (a.len != b.len) return 0;
  for (ss_u32 i = 0; i < a.len; i++)
    if (a.ptr[i] != b.ptr[i]) return 0;
  return 1;
}

/* `len` bytes from `from` on; cut at the end of the text. */
static inline ss_text ss_slice(ss_text t, ss_u32 from, ss_u32 len) {
  if (from > t.len) from = t.len;
  if (len > t.len - from) len = t.len - from;
  return (ss_text){t.ptr + from, len};
}

/* From `from` to the end. */
static inline ss_text ss_rest(ss_text t, ss_u32 from) { return ss_slice(t, from, 0xffffffff); }

static inline int ss_starts(ss_text t, ss_text with) { return ss_equal(ss_slice(t, 0, with.len), with); }

static inline int ss_ends(ss_text t, ss_text with) {
  return t.len >= with.len && ss_equal(ss_rest(t, t.len - with.len), with);
}

/* Where a byte first stands; the length of the text if nowhere. */
static inline ss_u32 ss_index(ss_text t, char byte) {
  ss_u32 i = 0;
  while (i < t.len && t.ptr[i] != byte) i++;
  return i;
}

/* Behind the last `byte`; all of the text if there is none. */
static inline ss_text ss_after_last(ss_text t, char byte) {
  ss_u32 i = t.len;
  while (i > 0 && t.ptr[i - 1] != byte) i--;
  return ss_rest(t, i);
}

/* Where `needle` first stands, or -1. The host looks: worth it from some hundred bytes on. */
static inline int ss_find(ss_text hay, ss_text needle) {
  return ss_host_find(hay.ptr, hay.len, needle.ptr, needle.len);
}

/* ---- reading ---- */

typedef struct {
  const ss_u8 *at;
  const ss_u8 *end;
  int bad; /* something had another form than was asked for */
} ss_reader;

static inline int ss_has(ss_reader *in, ss_u32 bytes) {
  if ((ss_u32)(in->end - in->at) >= bytes) return 1;
  in->bad = 1;
  in->at = in->end;
  return 0;
}

static inline ss_u32 ss_take_u32(ss_reader *in) {
  if (!ss_has(in, 4)) return 0;
  ss_u32 v = in->at[0] | in->at[1] << 8 | in->at[2] << 16 | (ss_u32)in->at[3] << 24;
  in->at += 4;
  return v;
}

static inline ss_i64 ss_take_i64(ss_reader *in) {
  ss_u64 low = ss_take_u32(in);
  return (ss_i64)(low | (ss_u64)ss_take_u32(in) << 32);
}

static inline ss_text ss_take_text(ss_reader *in) {
  ss_u32 len = ss_take_u32(in);
  if (!ss_has(in, len)) return (ss_text){"", 0};
  ss_text t = {(const char *)in->at, len};
  in->at += len;
  return t;
}

/* The tag of the next value, which stays; SS_ABSENT behind the last one. */
static inline int ss_peek(const ss_reader *in) { return in->at < in->end ? *in->at : SS_ABSENT; }

/* Passes over one value, with all that is in it. */
static inline void ss_skip(ss_reader *in) {
  ss_u32 left = 1; /* values still to pass over */
  while (left > 0 && ss_has(in, 1)) {
    left--;
    switch (*in->at++) {
    case SS_ABSENT: break;
    case SS_BOOL: if (ss_has(in, 1)) in->at += 1; break;
    case SS_INT: case SS_SIZE: case SS_DURATION: case SS_TIME: case SS_RATIO: ss_take_i64(in); break;
    case SS_STRING: case SS_PATH: case SS_ENUM: case SS_OPAQUE: case SS_UNKNOWN: ss_take_text(in); break;
    case SS_IP: case SS_CIDR: {
      int cidr = in->at[-1] == SS_CIDR;
      if (!ss_has(in, 1)) break;
      ss_u32 bytes = (*in->at++ == 4 ? 4 : 16) + cidr;
      if (ss_has(in, bytes)) in->at += bytes;
      break;
    }
    case SS_LIST: left += ss_take_u32(in); break;
    case SS_MAP:
      for (ss_u32 n = ss_take_u32(in); n > 0 && !in->bad; n--) {
        ss_take_text(in);
        ss_skip(in);
      }
      break;
    default: in->bad = 1; in->at = in->end;
    }
  }
}

static inline int ss_take_tag(ss_reader *in, int wanted) {
  if (ss_peek(in) == wanted && in->at < in->end) {
    in->at++;
    return 1;
  }
  in->bad = 1;
  ss_skip(in);
  return 0;
}

static inline int ss_is_absent(const ss_reader *in) { return ss_peek(in) == SS_ABSENT; }
static inline int ss_is_unknown(const ss_reader *in) { return ss_peek(in) == SS_UNKNOWN; }

static inline int ss_get_bool(ss_reader *in) {
  return ss_take_tag(in, SS_BOOL) && ss_has(in, 1) ? *in->at++ != 0 : 0;
}

/* An int, size, duration, time or percentage, in the unit of its tag. */
static inline ss_i64 ss_get_number(ss_reader *in) {
  int tag = ss_peek(in);
  int fits = tag == SS_INT || (tag >= SS_SIZE && tag <= SS_RATIO);
  return ss_take_tag(in, fits ? tag : SS_INT) ? ss_take_i64(in) : 0;
}

/* A string, a path, a word of an enumeration, the bytes of a value of the plugin's own type, or the reason of an unknown. */
static inline ss_text ss_get_text(ss_reader *in) {
  int tag = ss_peek(in);
  int fits = tag == SS_PATH || tag == SS_ENUM || tag == SS_OPAQUE || tag == SS_UNKNOWN;
  return ss_take_tag(in, fits ? tag : SS_STRING) ? ss_take_text(in) : (ss_text){"", 0};
}

/* The number of elements of a list; so many values follow. */
static inline ss_u32 ss_get_list(ss_reader *in) { return ss_take_tag(in, SS_LIST) ? ss_take_u32(in) : 0; }

/* The number of entries of a map; so many pairs of a key (`ss_get_key`) and a value follow. */
static inline ss_u32 ss_get_map(ss_reader *in) { return ss_take_tag(in, SS_MAP) ? ss_take_u32(in) : 0; }
static inline ss_text ss_get_key(ss_reader *in) { return ss_take_text(in); }

/* A lazy input: `index` counts all inputs of the entry, from 0. It is read from the host here and not before. */
static inline ss_reader ss_lazy(ss_u32 index) {
  ss_u32 cap = 4096;
  for (int tries = 0; tries < 3; tries++) {
    ss_u8 *room = ss_room(cap);
    if (!room) break;
    int len = ss_host_input(index, room, cap);
    if (len < 0) break;
    if ((ss_u32)len <= cap) return (ss_reader){room, room + len, 0};
    cap = (ss_u32)len;
  }
  return (ss_reader){0, 0, 1};
}

/* ---- writing: one result, in a buffer that the next call uses again ---- */

#ifndef SS_OUTPUT
#define SS_OUTPUT 65536 /* the host takes no more */
#endif
static ss_u8 ss_out[SS_OUTPUT];
static ss_u32 ss_written;
static int ss_overflow;

static inline void ss_put_byte(int byte) {
  if (ss_written < SS_OUTPUT) ss_out[ss_written++] = (ss_u8)byte;
  else ss_overflow = 1;
}
static inline void ss_put_u32(ss_u32 v) {
  for (int i = 0; i < 4; i++) ss_put_byte((int)(v >> 8 * i));
}
static inline void ss_put_bytes(ss_text t) {
  if (t.len > SS_OUTPUT - ss_written) {
    ss_overflow = 1;
    return;
  }
  for (ss_u32 i = 0; i < t.len; i++) ss_out[ss_written + i] = (ss_u8)t.ptr[i];
  ss_written += t.len;
}
static inline void ss_put_text(int tag, ss_text t) {
  ss_put_byte(tag);
  ss_put_u32(t.len);
  ss_put_bytes(t);
}
static inline void ss_put_string(ss_text t) { ss_put_text(SS_STRING, t); }
static inline void ss_put_path(ss_text t) { ss_put_text(SS_PATH, t); }
static inline void ss_put_enum(ss_text word) { ss_put_text(SS_ENUM, word); }
static inline void ss_put_opaque(ss_text bytes) { ss_put_text(SS_OPAQUE, bytes); }
static inline void ss_put_number(int tag, ss_i64 v) {
  ss_put_byte(tag);
  ss_put_u32((ss_u32)v);
  ss_put_u32((ss_u32)((ss_u64)v >> 32));
}
/* Before the elements. If their number is known only behind them: keep what this returns for `ss_set_count`. */
static inline ss_u32 ss_put_list(ss_u32 count) {
  ss_put_byte(SS_LIST);
  ss_put_u32(count);
  return ss_written - 4;
}
static inline ss_u32 ss_put_map(ss_u32 count) {
  ss_put_byte(SS_MAP);
  ss_put_u32(count);
  return ss_written - 4;
}
static inline void ss_put_key(ss_text key) {
  ss_put_u32(key.len);
  ss_put_bytes(key);
}
static inline void ss_set_count(ss_u32 place, ss_u32 count) {
  for (int i = 0; i < 4; i++)
    if (place + i < SS_OUTPUT) ss_out[place + i] = (ss_u8)(count >> 8 * i);
}

/* The result of a call: what was written. */
static inline ss_i64 ss_done(void) {
  return (ss_i64)((ss_u64)(ss_u32)ss_out << 32 | ss_written);
}
static inline ss_i64 ss_text_result(int tag, ss_text t) {
  ss_written = 0;
  ss_put_text(tag, t);
  return ss_done();
}
static inline ss_i64 ss_number_result(int tag, ss_i64 v) {
  ss_written = 0;
  ss_put_number(tag, v);
  return ss_done();
}

/* The common results: `return ss_string(text);` */
static inline ss_i64 ss_absent(void) {
  ss_written = 0;
  ss_put_byte(SS_ABSENT);
  return ss_done();
}
static inline ss_i64 ss_bool(int v) {
  ss_written = 0;
  ss_put_byte(SS_BOOL);
  ss_put_byte(v != 0);
  return ss_done();
}
static inline ss_i64 ss_string(ss_text t) { return ss_text_result(SS_STRING, t); }
static inline ss_i64 ss_path(ss_text t) { return ss_text_result(SS_PATH, t); }
/* A word of an enumeration that the manifest declares; another one is no value. */
static inline ss_i64 ss_enum(ss_text word) { return ss_text_result(SS_ENUM, word); }
/* A value of a type that the manifest declares: at most 4096 bytes, which come back as they are. */
static inline ss_i64 ss_opaque(ss_text bytes) { return ss_text_result(SS_OPAQUE, bytes); }
static inline ss_i64 ss_unknown(ss_text reason) { return ss_text_result(SS_UNKNOWN, reason); }
static inline ss_i64 ss_int(ss_i64 v) { return ss_number_result(SS_INT, v); }
static inline ss_i64 ss_size(ss_i64 bytes) { return ss_number_result(SS_SIZE, bytes); }
static inline ss_i64 ss_duration(ss_i64 nanoseconds) { return ss_number_result(SS_DURATION, nanoseconds); }
static inline ss_i64 ss_time(ss_i64 nanoseconds) { return ss_number_result(SS_TIME, nanoseconds); }

/* Around each call: nothing of the last one is left, and a misread input is never an answer. */
static inline void ss_begin(void) {
  ss_written = 0;
  ss_overflow = 0;
  ss_more_used = 0;
}
static inline ss_i64 ss_end(const ss_reader *in, ss_i64 result) {
  if (in->bad) return ss_unknown(SS("an input has another form than the plugin reads"));
  if (ss_overflow) return ss_unknown(SS("the result is too long"));
  return result;
}

/* An entry: the name is what the manifest gives as `export`. */
#define SS_ENTRY(name)                                                      \
  static inline ss_i64 name##_of(ss_reader *in);                            \
  SS_EXPORT(#name) ss_i64 name(const ss_u8 *ptr, ss_u32 len) {              \
    ss_reader in = {ptr, ptr + len, 0};                                     \
    ss_begin();                                                             \
    ss_i64 result = name##_of(&in);                                         \
    return ss_end(&in, result);                                             \
  }                                                                         \
  static inline ss_i64 name##_of(ss_reader *in)

/* The manifest, as JSON: it becomes a string as it stands, so nothing in it is escaped twice. */
#define SS_MANIFEST(...)                                                    \
  SS_EXPORT("selfsame_abi") int selfsame_abi(void) { return 1; }            \
  SS_EXPORT("selfsame_manifest") ss_i64 selfsame_manifest(void) {           \
    static const char text[] = #__VA_ARGS__;                                \
    return (ss_i64)((ss_u64)(ss_u32)text << 32 | (sizeof(text) - 1));       \
  }

#endif
