;; @NAME@: a plugin for selfsame, without a compiler. `selfsame plugin build @NAME@.wat` makes the module of it.
;; Values are a tag and a payload, numbers little-endian: 00 absent, 03 string (length u32, bytes), 0b list (count u32,
;; values), 0f unknown (a reason, as a string). A result is the address in the upper and the length in the lower half.
(module
  (import "selfsame" "find" (func $find (param i32 i32 i32 i32) (result i32)))

  ;; 16 what is looked for, 64 absent, 1024 the manifest (up to a zero), 32768 the result, from 65536 on the input
  (memory (export "memory") 2)
  (data (i32.const 16) "/releases/")
  (data (i32.const 64) "\00")
  (data (i32.const 1024)
    "{\"name\": \"@NAME@\", \"version\": \"0.1.0\", \"summary\": \"which release of an application a process runs\","
    "\"fields\": [{\"name\": \"release\", \"type\": \"string\", \"export\": \"release\", \"inputs\": [\"argv\"],"
    "\"summary\": \"the folder below releases in the arguments\", \"examples\": ["
    "{\"match\": \"@NAME@.release == \\\"20260102\\\"\","
    "\"inputs\": {\"argv\": [\"/usr/bin/ruby\", \"/srv/shop/releases/20260102/bin/web\"]}, \"value\": \"20260102\"},"
    "{\"match\": \"!has(@NAME@.release)\", \"inputs\": {\"argv\": [\"/usr/sbin/nginx\"]}, \"value\": null}]}]}")

  (func (export "selfsame_abi") (result i32) (i32.const 1))

  (func (export "selfsame_manifest") (result i64)
    (local $end i32)
    (local.set $end (i32.const 1024))
    (loop $on
      (local.set $end (i32.add (local.get $end) (i32.const 1)))
      (br_if $on (i32.load8_u (local.get $end))))
    (call $slice (i32.const 1024) (i32.sub (local.get $end) (i32.const 1024))))

  ;; Room for the input, 0 if there is none.
  (func (export "selfsame_buffer") (param $len i32) (result i32)
    (local $pages i32)
    (local.set $pages (i32.shr_u (i32.add (local.get $len) (i32.const 131071)) (i32.const 16)))
    (if (i32.gt_u (local.get $pages) (memory.size))
      (then
        (if (i32.eq (memory.grow (i32.sub (local.get $pages) (memory.size))) (i32.const -1))
          (then (return (i32.const 0))))))
    (i32.const 65536))

  (func $slice (param $at i32) (param $len i32) (result i64)
    (i64.or
      (i64.shl (i64.extend_i32_u (local.get $at)) (i64.const 32))
      (i64.extend_i32_u (local.get $len))))

  (func $absent (result i64) (call $slice (i32.const 64) (i32.const 1)))

  ;; The string up to the next slash; absent if that is nothing, or more than there is room for.
  (func $folder (param $at i32) (param $len i32) (result i64)
    (local $slash i32)
    (local.set $slash (call $find (local.get $at) (local.get $len) (i32.const 16) (i32.const 1)))
    (if (i32.ge_s (local.get $slash) (i32.const 0)) (then (local.set $len (local.get $slash))))
    (if (i32.or (i32.eqz (local.get $len)) (i32.gt_u (local.get $len) (i32.const 4096)))
      (then (return (call $absent))))
    (i32.store8 (i32.const 32768) (i32.const 3))
    (i32.store (i32.const 32769) (local.get $len))
    (memory.copy (i32.const 32773) (local.get $at) (local.get $len))
    (call $slice (i32.const 32768) (i32.add (local.get $len) (i32.const 5))))

  ;; The one input is argv, a list of strings; of a kernel thread it is absent.
  (func (export "release") (param $at i32) (param $len i32) (result i64)
    (local $left i32) (local $word i32) (local $found i32)
    (if (i32.ne (i32.load8_u (local.get $at)) (i32.const 0x0b)) (then (return (call $absent))))
    (local.set $left (i32.load offset=1 (local.get $at)))
    (local.set $at (i32.add (local.get $at) (i32.const 5)))
    (block $none
      (loop $next
        (br_if $none (i32.eqz (local.get $left)))
        (local.set $word (i32.load offset=1 (local.get $at)))
        (local.set $at (i32.add (local.get $at) (i32.const 5)))
        (local.set $found (call $find (local.get $at) (local.get $word) (i32.const 16) (i32.const 10)))
        (if (i32.ge_s (local.get $found) (i32.const 0))
          (then
            (local.set $found (i32.add (local.get $found) (i32.const 10)))
            (return
              (call $folder
                (i32.add (local.get $at) (local.get $found))
                (i32.sub (local.get $word) (local.get $found))))))
        (local.set $at (i32.add (local.get $at) (local.get $word)))
        (local.set $left (i32.sub (local.get $left) (i32.const 1)))
        (br $next)))
    (call $absent)))
