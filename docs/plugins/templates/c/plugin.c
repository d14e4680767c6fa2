/* @NAME@: a plugin for selfsame. The manifest says what there is, the functions below answer. */
#include "selfsame.h"

SS_MANIFEST({
  "name": "@NAME@",
  "version": "0.1.0",
  "summary": "which release of an application a process runs",
  "fields": [
    {"name": "release", "type": "string", "export": "release", "inputs": ["argv"],
     "summary": "the folder below releases in the arguments",
     "examples": [
       {"match": "@NAME@.release == \"20260102\"",
        "inputs": {"argv": ["/usr/bin/ruby", "/srv/shop/releases/20260102/bin/web"]}, "value": "20260102"},
       {"match": "!has(@NAME@.release)", "inputs": {"argv": ["/usr/sbin/nginx"]}, "value": null}]}]
})

/* Inputs come in the order of the manifest: here argv, a list of strings. */
SS_ENTRY(release) {
  if (ss_is_absent(in)) return ss_absent(); /* a kernel thread has no arguments */
  for (ss_u32 left = ss_get_list(in); left > 0; left--) {
    ss_text word = ss_get_text(in);
    int at = ss_find(word, SS("/releases/"));
    if (at < 0) continue;
    ss_text rest = ss_rest(word, (ss_u32)at + 10);
    ss_text folder = ss_slice(rest, 0, ss_index(rest, '/'));
    if (folder.len > 0) return ss_string(folder);
  }
  return ss_absent();
}
