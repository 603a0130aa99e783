// The WebAssembly names wasm.ts uses. They come with TypeScript's DOM library, whose other globals do not exist in Node.

declare namespace WebAssembly {
  type ImportValue = unknown
  type ModuleImports = Record<string, ImportValue>
  type Imports = Record<string, ModuleImports>
  class Module {
    constructor(bytes: Uint8Array)
    static imports(module: Module): { readonly module: string; readonly name: string }[]
  }
  class Instance {
    constructor(module: Module, imports: Imports)
    readonly exports: Record<string, unknown>
  }
  class Memory {
    readonly buffer: ArrayBuffer
    grow(pages: number): number
  }
  class Global {
    constructor(type: { value: 'i32'; mutable: true }, value: number)
    value: number
  }
  class Table {
    readonly length: number
    get(index: number): unknown
    set(index: number, value: unknown): void
    grow(by: number): number
  }
  /** A wasm exception passing through JavaScript: rethrow it, always. */
  class Exception {}
  class RuntimeError extends Error {}
}
