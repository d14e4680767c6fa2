/* container: which container a process is in, from the path of its control group.
 *
 * Engines name the group after the container; nobody but them writes it and everybody may read it. The path is read from
 * its end: of nested containers the innermost counts. What the path doesn't say is absent, never guessed: the `cgroupfs`
 * driver of Kubernetes names no runtime.
 */
#include "selfsame.h"

SS_MANIFEST({
  "name": "container",
  "version": "1.1.0",
  "summary": "container, runtime and pod of a process, from its control group",
  "enums": [
    {"name": "runtime", "summary": "what runs containers",
     "words": ["docker", "podman", "containerd", "crio", "systemd_nspawn", "lxc", "libvirt_lxc", "garden"],
     "foreign": {"cri-o": "crio", "systemd-nspawn": "systemd_nspawn", "nspawn": "systemd_nspawn", "libvirt-lxc": "libvirt_lxc",
                 "moby": "docker", "libpod": "podman", "nerdctl": "containerd", "lxd": "lxc", "incus": "lxc"}},
    {"name": "qos", "summary": "class of a Kubernetes pod", "words": ["guaranteed", "burstable", "besteffort"],
     "foreign": {"Guaranteed": "guaranteed", "Burstable": "burstable", "BestEffort": "besteffort"}}],
  "foreign": {"container.uid": "container.id", "container.engine": "container.runtime",
              "pod.uid": "container.pod", "k8s.pod.uid": "container.pod"},
  "fields": [
    {"name": "id", "type": "string", "export": "container_id", "inputs": ["cgroup"], "cost": 0,
     "summary": "id of the container (64 hexadecimal digits), or its name where the engine goes by names",
     "examples": [
       {"match": "container.id == \"3726184226f5d3147c25fdeab5b60097e378e8a720503a5e19ecfdf29f869860\"",
        "inputs": {"cgroup": "/system.slice/docker-3726184226f5d3147c25fdeab5b60097e378e8a720503a5e19ecfdf29f869860.scope"},
        "value": "3726184226f5d3147c25fdeab5b60097e378e8a720503a5e19ecfdf29f869860"},
       {"match": "!has(container.id)", "inputs": {"cgroup": "/system.slice/nginx.service"}, "value": null}]},
    {"name": "runtime", "type": "runtime", "export": "container_runtime", "inputs": ["cgroup"], "cost": 0,
     "summary": "what runs the container, where the path says so",
     "examples": [
       {"match": "container.runtime == podman",
        "inputs": {"cgroup": "/machine.slice/libpod-55ea3863351726184e26ca7418f577d04c96dac0009e1f088f6c0c7a1dc2ed7c.scope/container"},
        "value": "podman"}]},
    {"name": "name", "type": "string", "export": "container_name", "inputs": ["cgroup"], "cost": 0,
     "summary": "name of the container, where the engine goes by names: systemd-nspawn, lxc, lxd, incus",
     "examples": [
       {"match": "container.name == \"web-1\"",
        "inputs": {"cgroup": "/machine.slice/machine-web\\x2d1.scope/payload/init.scope"}, "value": "web-1"}]},
    {"name": "pod", "type": "string", "export": "container_pod", "inputs": ["cgroup"], "cost": 0,
     "summary": "uid of the Kubernetes pod, or id of the podman pod",
     "examples": [
       {"match": "container.pod == \"a5c1f8d5-1919-434d-add7-4afaafdaef89\"",
        "inputs": {"cgroup": "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-poda5c1f8d5_1919_434d_add7_4afaafdaef89.slice/crio-5eed917563583925ffdbd40a64efb2aaffe58638e57add8becaf460fe74f5b1c.scope"},
        "value": "a5c1f8d5-1919-434d-add7-4afaafdaef89"}]},
    {"name": "qos", "type": "qos", "export": "container_qos", "inputs": ["cgroup"], "cost": 0,
     "summary": "class of the Kubernetes pod",
     "examples": [
       {"match": "container.qos == besteffort",
        "inputs": {"cgroup": "/kubepods/besteffort/pod3d274242-8ee0-11e9-a8a6-1e68d864ef1a/3e74d3fd9db4c9dd921ae05c2502fb984d0cde1b36e581b13f79c639da4518a1"},
        "value": "besteffort"}]}],
  "functions": [
    {"name": "is", "params": [{"name": "id", "type": "string"}], "result": "bool", "export": "container_is",
     "inputs": ["cgroup"], "pure": false, "cost": 0,
     "summary": "whether it is in this container: its name, or the first 4 to 64 digits of its id",
     "examples": [
       {"match": "container.is(\"372618422\")", "arguments": ["372618422"],
        "inputs": {"cgroup": "/docker/3726184226f5d3147c25fdeab5b60097e378e8a720503a5e19ecfdf29f869860"}, "value": true},
       {"match": "container.is(\"37\")", "arguments": ["37"],
        "inputs": {"cgroup": "/docker/3726184226f5d3147c25fdeab5b60097e378e8a720503a5e19ecfdf29f869860"}, "value": false}]}]
})

/* What one look at a path finds; a text of length 0 is absent. */
typedef struct {
  ss_text id, runtime, name, pod, qos;
  int escaped; /* the name still has the escapes of systemd: `\x2d` */
} found;

static int is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

static int all_hex(ss_text t, ss_u32 len) {
  if (t.len != len) return 0;
  for (ss_u32 i = 0; i < len; i++)
    if (!is_hex(t.ptr[i])) return 0;
  return 1;
}

/* Where `needle` stands in a part of a path, or -1. Parts are short: no need for the host. */
static int within(ss_text t, ss_text needle) {
  for (ss_u32 i = 0; i + needle.len <= t.len; i++)
    if (ss_equal(ss_slice(t, i, needle.len), needle)) return (int)i;
  return -1;
}

static ss_text without_end(ss_text t, ss_text end) {
  return ss_ends(t, end) ? ss_slice(t, 0, t.len - end.len) : t;
}

/* The words before the id of a group: `docker-`, `kubepods-...slice:cri-containerd:`. */
static ss_text runtime_of(ss_text before, ss_text above, ss_text above2) {
  if (ss_ends(before, SS("docker-"))) return SS("docker");
  if (ss_ends(before, SS("libpod-")) || ss_ends(before, SS("libpod-payload-"))) return SS("podman");
  if (ss_ends(before, SS("cri-containerd-")) || ss_ends(before, SS(":cri-containerd:"))) return SS("containerd");
  if (ss_ends(before, SS("nerdctl-"))) return SS("containerd");
  if (ss_ends(before, SS("crio-"))) return SS("crio");
  if (before.len > 0) return SS("");
  if (ss_equal(above, SS("docker")) || ss_equal(above, SS("moby"))) return SS("docker");
  if (ss_equal(above, SS("libpod_parent")) || ss_equal(above2, SS("libpod_parent"))) return SS("podman");
  if (ss_equal(above, SS("k8s.io")) || ss_equal(above, SS("default"))) return SS("containerd");
  return SS("");
}

/* Names of machines: systemd-nspawn, and what else registers with systemd. Virtual machines do too. */
static int machine(ss_text name, found *f) {
  if (name.len == 0 || ss_starts(name, SS("qemu\\x2d"))) return 0;
  f->escaped = 1;
  f->runtime = SS("systemd_nspawn");
  if (ss_starts(name, SS("lxc\\x2d"))) { /* libvirt: machine-lxc\x2d1268\x2dname.scope */
    ss_text rest = ss_rest(name, 7);
    int end = within(rest, SS("\\x2d"));
    f->runtime = SS("libvirt_lxc");
    if (end >= 0) name = ss_rest(rest, (ss_u32)end + 4);
  }
  f->name = name;
  return 1;
}

/* The name of a container of lxc: `/lxc/NAME`, `/lxc.payload/NAME`, `/lxc.payload.NAME`. */
static ss_text lxc_name(ss_text part, ss_text above) {
  if (ss_starts(part, SS("lxc.payload."))) return ss_rest(part, 12);
  if (ss_equal(above, SS("lxc")) || ss_equal(above, SS("lxc.payload"))) return part;
  return SS("");
}

/* Whether one part of the path is named after a container, and after which. `below` is empty at the end. */
static int container(ss_text part, ss_text above, ss_text above2, ss_text below, found *f) {
  int service = ss_ends(part, SS(".service"));
  ss_text stem = without_end(without_end(part, SS(".scope")), SS(".service"));
  ss_u32 cut = stem.len;
  while (cut > 0 && stem.ptr[cut - 1] != '-' && stem.ptr[cut - 1] != ':') cut--;
  ss_text last = ss_rest(stem, cut);
  if (all_hex(last, 64)) {
    ss_text before = ss_slice(stem, 0, cut);
    /* The monitor beside a container is named after it, and so is the unit of a health check. */
    if (within(before, SS("conmon")) >= 0 || (service && cut == 0)) return 0;
    f->id = last;
    f->runtime = runtime_of(before, above, above2);
    return 1;
  }
  /* nspawn itself stays outside, in `supervisor`. */
  if (ss_equal(below, SS("supervisor"))) return 0;
  if (ss_starts(stem, SS("systemd-nspawn@"))) return machine(ss_rest(stem, 15), f);
  if (ss_starts(stem, SS("machine-")) && ss_ends(part, SS(".scope"))) return machine(ss_rest(stem, 8), f);
  if (ss_ends(part, SS(".libvirt-lxc"))) { /* /machine/lxc-1268-name.libvirt-lxc */
    ss_text rest = ss_rest(without_end(part, SS(".libvirt-lxc")), 4);
    f->name = ss_rest(rest, ss_index(rest, '-') + 1);
    f->runtime = SS("libvirt_lxc");
    return f->name.len > 0;
  }
  ss_text lxc = lxc_name(part, above);
  if (lxc.len > 0) {
    f->name = lxc;
    f->runtime = SS("lxc");
    return 1;
  }
  if (ss_equal(above, SS("garden"))) {
    f->id = part;
    f->runtime = SS("garden");
    return part.len > 0;
  }
  /* Fargate: /ecs/TASK/TASK-NUMBER */
  if (ss_equal(above2, SS("ecs")) && all_hex(ss_slice(part, 0, 32), 32) && ss_starts(part, above)) {
    f->id = part;
    return 1;
  }
  return 0;
}

/* The pod that one part of the path is named after. */
static int pod(ss_text part, ss_text above, found *f) {
  int at = within(part, SS("kubepods"));
  if (at >= 0) { /* kubepods-burstable-podUID.slice, with more behind it where containerd has no slices */
    int begin = within(part, SS("-pod"));
    if (begin < 0) return 0;
    ss_text uid = ss_rest(part, (ss_u32)begin + 4);
    int end = within(uid, SS(".slice"));
    f->pod = end >= 0 ? ss_slice(uid, 0, (ss_u32)end) : ss_slice(uid, 0, ss_index(uid, ':'));
  } else if (ss_starts(part, SS("pod")) &&
             (ss_equal(above, SS("kubepods")) || ss_equal(above, SS("burstable")) || ss_equal(above, SS("besteffort")))) {
    f->pod = ss_rest(part, 3);
  } else if (ss_starts(part, SS("machine-libpod_pod_")) || ss_starts(part, SS("user-libpod_pod_"))) {
    ss_text id = without_end(part, SS(".slice"));
    f->pod = ss_rest(id, (ss_u32)within(id, SS("_pod_")) + 5);
    return f->pod.len > 0;
  } else if (ss_equal(above, SS("libpod_parent")) && all_hex(part, 64)) {
    f->pod = part;
    return 1;
  } else {
    return 0;
  }
  ss_text both[] = {part, above};
  f->qos = SS("guaranteed");
  for (int i = 0; i < 2; i++) {
    if (within(both[i], SS("burstable")) >= 0) f->qos = SS("burstable");
    if (within(both[i], SS("besteffort")) >= 0) f->qos = SS("besteffort");
  }
  return f->pod.len > 0;
}

/* Takes the last part off a path. */
static ss_text pop(ss_text *path) {
  ss_text part = ss_after_last(*path, '/');
  ss_u32 rest = path->len - part.len;
  *path = ss_slice(*path, 0, rest > 0 ? rest - 1 : 0);
  return part;
}

static found look(ss_text path) {
  found f = {{"", 0}, {"", 0}, {"", 0}, {"", 0}, {"", 0}, 0};
  int in_container = 0, in_pod = 0;
  ss_text below = SS(""), part = pop(&path), above = pop(&path), above2 = pop(&path);
  while (part.len > 0 || path.len > 0 || above.len > 0) {
    /* The group of a podman pod is named like a container; the one within it is found first. */
    int was = in_container;
    if (!in_container) in_container = container(part, above, above2, below, &f);
    if (!in_pod && (was || !in_container || within(part, SS("kubepods")) >= 0)) in_pod = pod(part, above, &f);
    /* What lies further up is around this container or pod, and not in it. */
    if (in_container && in_pod) break;
    below = part;
    part = above;
    above = above2;
    above2 = pop(&path);
  }
  return f;
}

static ss_i64 text_or_absent(ss_text t) { return t.len > 0 ? ss_string(t) : ss_absent(); }
static ss_i64 word_or_absent(ss_text t) { return t.len > 0 ? ss_enum(t) : ss_absent(); }

/* Without the escapes of systemd. */
static ss_text unescaped(ss_text t) {
  char *to = ss_room(t.len);
  ss_u32 n = 0;
  if (!to) return t;
  for (ss_u32 i = 0; i < t.len; i++) {
    ss_text hex = ss_slice(t, i + 2, 2);
    if (t.ptr[i] == '\\' && i + 3 < t.len && t.ptr[i + 1] == 'x' && is_hex(hex.ptr[0]) && is_hex(hex.ptr[1])) {
      int high = hex.ptr[0] <= '9' ? hex.ptr[0] - '0' : hex.ptr[0] - 'a' + 10;
      int low = hex.ptr[1] <= '9' ? hex.ptr[1] - '0' : hex.ptr[1] - 'a' + 10;
      to[n++] = (char)(high << 4 | low);
      i += 3;
    } else {
      to[n++] = t.ptr[i];
    }
  }
  return (ss_text){to, n};
}

static ss_text name_of(const found *f) { return f->escaped ? unescaped(f->name) : f->name; }

/* `in` stands at the control group, which an odd process may not have. */
static found look_in(ss_reader *in) {
  if (ss_is_absent(in)) {
    ss_skip(in);
    return look(SS(""));
  }
  return look(ss_get_text(in));
}

SS_ENTRY(container_id) {
  found f = look_in(in);
  return f.id.len > 0 ? ss_string(f.id) : text_or_absent(name_of(&f));
}

SS_ENTRY(container_runtime) { return word_or_absent(look_in(in).runtime); }

SS_ENTRY(container_name) {
  found f = look_in(in);
  return text_or_absent(name_of(&f));
}

SS_ENTRY(container_pod) {
  ss_text uid = look_in(in).pod;
  if (uid.len == 0) return ss_absent();
  /* A slice can't have the dashes of a uid. */
  ss_written = 0;
  ss_put_byte(SS_STRING);
  ss_put_u32(uid.len);
  for (ss_u32 i = 0; i < uid.len; i++) ss_put_byte(uid.ptr[i] == '_' ? '-' : uid.ptr[i]);
  return ss_done();
}

SS_ENTRY(container_qos) { return word_or_absent(look_in(in).qos); }

SS_ENTRY(container_is) {
  ss_text wanted = ss_get_text(in);
  found f = look_in(in);
  if (f.id.len > 0) return ss_bool(wanted.len >= 4 && ss_starts(f.id, wanted));
  ss_text name = name_of(&f);
  return ss_bool(name.len > 0 && ss_equal(name, wanted));
}
