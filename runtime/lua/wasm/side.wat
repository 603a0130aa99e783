;; Helpers beside the Lua glue, where one more crossing into JavaScript would cost more than the work itself:
;; an allocator with a limit per Lua state, 64-bit integers without BigInt, the copy of flat values between states, and what
;; every message does with several calls of the C API.
(module
  (import "e" "memory" (memory 1 32768))
  (import "e" "malloc" (func $malloc (param i32) (result i32)))
  (import "e" "free" (func $free (param i32)))
  (import "e" "realloc" (func $realloc (param i32 i32) (result i32)))
  (import "e" "lua_pushinteger" (func $lua_pushinteger (param i32 i64)))
  (import "e" "lua_tointegerx" (func $lua_tointegerx (param i32 i32 i32) (result i64)))
  (import "e" "lua_rawgeti" (func $lua_rawgeti (param i32 i32 i64) (result i32)))
  (import "e" "lua_rawseti" (func $lua_rawseti (param i32 i32 i64)))
  (import "e" "lua_rawlen" (func $lua_rawlen (param i32 i32) (result i64)))
  (import "e" "lua_type" (func $lua_type (param i32 i32) (result i32)))
  (import "e" "lua_isinteger" (func $lua_isinteger (param i32 i32) (result i32)))
  (import "e" "lua_tonumberx" (func $lua_tonumberx (param i32 i32 i32) (result f64)))
  (import "e" "lua_pushnumber" (func $lua_pushnumber (param i32 f64)))
  (import "e" "lua_pushboolean" (func $lua_pushboolean (param i32 i32)))
  (import "e" "lua_toboolean" (func $lua_toboolean (param i32 i32) (result i32)))
  (import "e" "lua_pushnil" (func $lua_pushnil (param i32)))
  (import "e" "lua_tolstring" (func $lua_tolstring (param i32 i32 i32) (result i32)))
  (import "e" "lua_pushlstring" (func $lua_pushlstring (param i32 i32 i32) (result i32)))
  (import "e" "lua_createtable" (func $lua_createtable (param i32 i32 i32)))
  (import "e" "lua_next" (func $lua_next (param i32 i32) (result i32)))
  (import "e" "lua_rawset" (func $lua_rawset (param i32 i32)))
  (import "e" "lua_settop" (func $lua_settop (param i32 i32)))
  (import "e" "lua_gettop" (func $lua_gettop (param i32) (result i32)))
  (import "e" "lua_topointer" (func $lua_topointer (param i32 i32) (result i32)))
  (import "e" "lua_checkstack" (func $lua_checkstack (param i32 i32) (result i32)))
  (import "e" "lua_getmetatable" (func $lua_getmetatable (param i32 i32) (result i32)))
  (import "e" "lua_touserdata" (func $lua_touserdata (param i32 i32) (result i32)))
  (import "e" "lua_rawgetp" (func $lua_rawgetp (param i32 i32 i32) (result i32)))
  (import "e" "lua_rawsetp" (func $lua_rawsetp (param i32 i32 i32)))

  ;; lua_Alloc; $u points at {used, limit, built, cap}. A request beyond the limit fails, which Lua answers with a collection,
  ;; then an error. `built` adds up what was asked for since the host began to build a value; copying stops beyond `cap`.
  (func (export "alloc") (param $u i32) (param $p i32) (param $os i32) (param $ns i32) (result i32)
    (local $old i32) (local $total i32) (local $r i32)
    (if (i32.eqz (local.get $ns)) (then
      (if (local.get $p) (then
        (i32.store (local.get $u) (i32.sub (i32.load (local.get $u)) (local.get $os)))
        (call $free (local.get $p))))
      (return (i32.const 0))))
    ;; without a block, $os is a type tag and not a size
    (if (local.get $p) (then (local.set $old (local.get $os))))
    (local.set $total (i32.add (i32.sub (i32.load (local.get $u)) (local.get $old)) (local.get $ns)))
    (if (i32.and (i32.gt_u (local.get $ns) (local.get $old)) (i32.gt_u (local.get $total) (i32.load offset=4 (local.get $u))))
      (then (return (i32.const 0))))
    (local.set $r (call $realloc (local.get $p) (local.get $ns)))
    (if (local.get $r) (then
      (i32.store (local.get $u) (local.get $total))
      (if (i32.gt_u (local.get $ns) (local.get $old)) (then
        (i32.store offset=8 (local.get $u)
          (i32.add (i32.load offset=8 (local.get $u)) (i32.sub (local.get $ns) (local.get $old))))))))
    (local.get $r))

  ;; True when building $more bytes would go beyond the cap of the account at $lp+4.
  (func $over (param $lp i32) (param $more i32) (result i32) (local $u i32)
    (local.set $u (i32.load offset=4 (local.get $lp)))
    (i32.gt_u (i32.add (i32.load offset=8 (local.get $u)) (local.get $more)) (i32.load offset=12 (local.get $u))))

  ;; An integral double as a Lua integer; the caller has checked the range.
  (func (export "pushint") (param $L i32) (param $v f64) (call $lua_pushinteger (local.get $L) (i64.trunc_f64_s (local.get $v))))
  (func (export "rawgeti") (param $L i32) (param $i i32) (param $n i32) (result i32)
    (call $lua_rawgeti (local.get $L) (local.get $i) (i64.extend_i32_s (local.get $n))))
  (func (export "rawseti") (param $L i32) (param $i i32) (param $n i32)
    (call $lua_rawseti (local.get $L) (local.get $i) (i64.extend_i32_s (local.get $n))))
  (func (export "rawlen") (param $L i32) (param $i i32) (result i32)
    (i32.wrap_i64 (call $lua_rawlen (local.get $L) (local.get $i))))

  ;; The first word of the userdata at $i; 0 when there is none.
  (func (export "handle") (param $L i32) (param $i i32) (result i32)
    (if (result i32) (i32.eq (call $lua_type (local.get $L) (local.get $i)) (i32.const 7))
      (then (i32.load (call $lua_touserdata (local.get $L) (local.get $i))))
      (else (i32.const 0))))

  ;; Where the string at $i lies, its length at $lp; 0 when it is none. A number is not made a string.
  (func (export "string") (param $L i32) (param $i i32) (param $lp i32) (result i32)
    (if (result i32) (i32.eq (call $lua_type (local.get $L) (local.get $i)) (i32.const 4))
      (then (call $lua_tolstring (local.get $L) (local.get $i) (local.get $lp)))
      (else (i32.const 0))))

  ;; Pushes what the registry ($r) holds under $k and leaves false in its place, by the state's own thread $M, which has room.
  (func (export "unpark") (param $L i32) (param $M i32) (param $r i32) (param $k i32)
    (drop (call $lua_rawgetp (local.get $L) (local.get $r) (local.get $k)))
    (call $lua_pushboolean (local.get $M) (i32.const 0))
    (call $lua_rawsetp (local.get $M) (local.get $r) (local.get $k)))

  ;; Size of the hash part of a table, 0 when it never had one. Layout of Lua 5.4 on 32 bits: lsizenode at 7, lastfree at 20.
  (func $hashsize (export "hashsize") (param $L i32) (param $i i32) (result i32) (local $t i32)
    (local.set $t (call $lua_topointer (local.get $L) (local.get $i)))
    (if (result i32) (i32.load offset=20 (local.get $t))
      (then (i32.shl (i32.const 1) (i32.load8_u offset=7 (local.get $t))))
      (else (i32.const 0))))

  ;; Copies one scalar; answers 0 when copied, -1 beyond the cap, else its Lua type plus one; then nothing is pushed.
  ;; $lp is scratch for a length, and after it stands the account of the receiving state.
  (func $copyscalar (export "copyscalar") (param $S i32) (param $i i32) (param $D i32) (param $lp i32) (result i32) (local $t i32) (local $p i32)
    (local.set $t (call $lua_type (local.get $S) (local.get $i)))
    (if (i32.eq (local.get $t) (i32.const 4)) (then
      (local.set $p (call $lua_tolstring (local.get $S) (local.get $i) (local.get $lp)))
      (if (call $over (local.get $lp) (i32.load (local.get $lp))) (then (return (i32.const -1))))
      (drop (call $lua_pushlstring (local.get $D) (local.get $p) (i32.load (local.get $lp))))
      (return (i32.const 0))))
    (if (i32.eq (local.get $t) (i32.const 3)) (then
      (if (call $lua_isinteger (local.get $S) (local.get $i))
        (then (call $lua_pushinteger (local.get $D) (call $lua_tointegerx (local.get $S) (local.get $i) (i32.const 0))))
        (else (call $lua_pushnumber (local.get $D) (call $lua_tonumberx (local.get $S) (local.get $i) (i32.const 0)))))
      (return (i32.const 0))))
    (if (i32.eq (local.get $t) (i32.const 1)) (then
      (call $lua_pushboolean (local.get $D) (call $lua_toboolean (local.get $S) (local.get $i)))
      (return (i32.const 0))))
    (if (i32.le_s (local.get $t) (i32.const 0)) (then (call $lua_pushnil (local.get $D)) (return (i32.const 0))))
    (i32.add (local.get $t) (i32.const 1)))

  ;; Copies a table of scalars without a metatable; answers 0 when copied, 1 when it holds anything else, -1 beyond the cap; then
  ;; nothing is left pushed. $i must be absolute.
  (func $copyflat (export "copyflat") (param $S i32) (param $i i32) (param $D i32) (param $lp i32) (result i32)
    (local $s0 i32) (local $d0 i32) (local $n i32) (local $h i32) (local $bad i32)
    (local.set $s0 (call $lua_gettop (local.get $S)))
    (local.set $d0 (call $lua_gettop (local.get $D)))
    (if (call $lua_getmetatable (local.get $S) (local.get $i)) (then
      (call $lua_settop (local.get $S) (local.get $s0))
      (return (i32.const 1))))
    (drop (call $lua_checkstack (local.get $S) (i32.const 4)))
    (drop (call $lua_checkstack (local.get $D) (i32.const 4)))
    (local.set $n (i32.wrap_i64 (call $lua_rawlen (local.get $S) (local.get $i))))
    (local.set $h (call $hashsize (local.get $S) (local.get $i)))
    ;; an array slot takes 16 bytes, a node at most 32
    (if (call $over (local.get $lp) (i32.add (i32.shl (local.get $n) (i32.const 4)) (i32.shl (local.get $h) (i32.const 5))))
      (then (return (i32.const -1))))
    (call $lua_createtable (local.get $D) (local.get $n) (local.get $h))
    (call $lua_pushnil (local.get $S))
    (block $done (loop $next
      (br_if $done (i32.eqz (call $lua_next (local.get $S) (local.get $i))))
      (local.set $bad (call $copyscalar (local.get $S) (i32.add (local.get $s0) (i32.const 1)) (local.get $D) (local.get $lp)))
      (if (i32.eqz (local.get $bad)) (then
        (local.set $bad (call $copyscalar (local.get $S) (i32.add (local.get $s0) (i32.const 2)) (local.get $D) (local.get $lp)))))
      (if (local.get $bad) (then
        (call $lua_settop (local.get $S) (local.get $s0))
        (call $lua_settop (local.get $D) (local.get $d0))
        (return (select (i32.const -1) (i32.const 1) (i32.lt_s (local.get $bad) (i32.const 0))))))
      (call $lua_rawset (local.get $D) (i32.const -3))
      (call $lua_settop (local.get $S) (i32.add (local.get $s0) (i32.const 1)))
      (br $next)))
    (i32.const 0))

  ;; Copies a scalar or a flat table: as $copyscalar, and a table that is not flat answers its type plus one.
  (func (export "copyvalue") (param $S i32) (param $i i32) (param $D i32) (param $lp i32) (result i32) (local $rest i32)
    (local.set $rest (call $copyscalar (local.get $S) (local.get $i) (local.get $D) (local.get $lp)))
    (if (i32.ne (local.get $rest) (i32.const 6)) (then (return (local.get $rest))))
    (local.set $rest (call $copyflat (local.get $S) (local.get $i) (local.get $D) (local.get $lp)))
    (select (i32.const 6) (local.get $rest) (i32.eq (local.get $rest) (i32.const 1)))))
