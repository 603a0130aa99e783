;; setjmp/longjmp of the Lua glue on native wasm exceptions: 2.5 to 3 times faster than throwing through JavaScript.
;; `table` holds the glue's functions; slots 1000..1002 hold stackSave, stackRestore and setThrew.
;; wabt writes no legacy `try`, so eh.wasm was assembled by hand from this text; every pcall in the engine tests runs through it.
(module
  (type $vii (func (param i32 i32)))
  (type $i (func (result i32)))
  (type $vi (func (param i32)))
  (tag $longjmp)
  (table (export "table") 1024 funcref)
  (func (export "invoke_vii") (param $fn i32) (param $a i32) (param $b i32) (local $sp i32)
    (local.set $sp (call_indirect (type $i) (i32.const 1000)))
    (try
      (do (call_indirect (type $vii) (local.get $a) (local.get $b) (local.get $fn)))
      (catch $longjmp
        (call_indirect (type $vi) (local.get $sp) (i32.const 1001))
        (call_indirect (type $vii) (i32.const 1) (i32.const 0) (i32.const 1002)))))
  (func (export "throw_longjmp") (throw $longjmp)))
