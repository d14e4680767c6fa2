/* Every type of the interface, in and out, through selfsame.h. The manifest is put in by the test. */
#include "selfsame.h"

SS_MANIFEST(@MANIFEST@)

SS_ENTRY(types_copy) {
  ss_reader env = ss_lazy(0);
  if (ss_is_absent(&env)) return ss_absent();
  ss_u32 count = ss_get_map(&env);
  ss_put_map(count);
  for (; count > 0; count--) {
    ss_put_key(ss_get_key(&env));
    ss_put_string(ss_get_text(&env));
  }
  in->bad |= env.bad;
  return ss_done();
}

SS_ENTRY(types_readable) { return ss_bool(!ss_is_unknown(in)); }

SS_ENTRY(types_last) {
  for (int i = 0; i < 8; i++) ss_skip(in);
  return ss_string(ss_get_text(in));
}

SS_ENTRY(types_sum) {
  ss_i64 sum = 0;
  for (ss_u32 left = ss_get_list(in); left > 0; left--) sum += ss_get_number(in);
  return ss_int(sum);
}

SS_ENTRY(types_twice) { return ss_duration(2 * ss_get_number(in)); }
SS_ENTRY(types_later) { return ss_time(ss_get_number(in) + 1000000000); }
SS_ENTRY(types_bytes) { return ss_size(ss_get_text(in).len); }

SS_ENTRY(types_parts) {
  ss_text path = ss_get_text(in);
  ss_u32 place = ss_put_list(0);
  ss_put_path(path);
  ss_put_path(path);
  ss_set_count(place, 2);
  return ss_done();
}

SS_ENTRY(types_negated) { return ss_bool(!ss_get_bool(in)); }

/* A list is no text, so that the answer must not count. */
SS_ENTRY(types_misread) { return ss_bool(ss_get_text(in).len == 0); }

SS_ENTRY(types_long) {
  ss_u32 n = (ss_u32)ss_get_number(in);
  ss_put_byte(SS_STRING);
  ss_put_u32(n);
  for (ss_u32 i = 0; i < n; i++) ss_put_byte('x');
  return ss_done();
}
