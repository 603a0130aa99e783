// The WebAssembly names wasm.ts uses. They come with TypeScript's DOM library, whose other globals do not exist in Node.

declare namespace WebAssembly {
  type ImportValue = unknown
  type ModuleImports = Record<string, ImportValue>
  interface WebAssemblyInstantiatedSource {
    instance: Instance
    module: Module
  }
  class Module {
    constructor(bytes: Uint8Array)
  }
  class Instance {
    constructor(module: Module, imports: Record<string, ModuleImports>)
    readonly exports: Record<string, unknown>
  }
  class Memory {
    readonly buffer: ArrayBuffer
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
  let instantiate: (source: unknown, imports: Record<string, ModuleImports>) => Promise<unknown>
}
