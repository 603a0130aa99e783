// Parses Jet templates. Errors name the template and the line.

import { cutTemplate, type Delimiters, jetDelimiters, type Piece, templateError } from './lexer.ts'
import { MAX_DEPTH, Tokens } from './tokens.ts'
import type { Block, Expression, Parameter, Statement, Template } from './tree.ts'

const keywords = new Set([
  'if',
  'else',
  'end',
  'range',
  'block',
  'yield',
  'content',
  'include',
  'try',
  'catch',
  'return',
  'extends',
  'import',
])

/** The tree of a template's source. Throws Invalid. */
export function parseTemplate(name: string, source: string, delimiters: Delimiters = jetDelimiters): Template {
  return new TemplateParser(name, cutTemplate(name, source, delimiters)).template()
}

class TemplateParser {
  readonly #name: string
  readonly #pieces: readonly Piece[]
  readonly #blocks = new Map<string, Block>()
  #at = 0
  #depth = 0

  constructor(name: string, pieces: readonly Piece[]) {
    this.#name = name
    this.#pieces = pieces
  }

  template(): Template {
    let parent: string | undefined
    const imports: string[] = []
    while (this.#at < this.#pieces.length) {
      const piece = this.#pieces[this.#at]
      const blank = piece?.kind === 'text' && piece.text.trim() === ''
      const word = piece?.kind === 'action' ? piece.tokens[0]?.text : undefined
      const follows = parent !== undefined || imports.length > 0
      if (blank && (follows || this.#leads())) {
        this.#at++
        continue
      }
      if (piece?.kind !== 'action' || (word !== 'extends' && word !== 'import')) break
      const path = piece.tokens[1]
      if (path?.kind !== 'string' || piece.tokens.length > 2)
        throw this.#fail(piece.line, `${word} needs the name of a template in quotes`)
      if (word === 'extends' && follows)
        throw this.#fail(piece.line, 'extends must be the first action, and the only one')
      if (word === 'extends') parent = path.text
      else imports.push(path.text)
      this.#at++
    }
    const { statements, stop } = this.#statements([])
    if (stop !== undefined) throw this.#fail(stop.line, `unexpected ${stop.word}`)
    return { name: this.#name, extends: parent, imports, body: statements, blocks: this.#blocks }
  }

  /** Whether the next action is `extends` or `import`: blank text before them is not output. */
  #leads(): boolean {
    const next = this.#pieces[this.#at + 1]
    return next?.kind === 'action' && (next.tokens[0]?.text === 'extends' || next.tokens[0]?.text === 'import')
  }

  /** Statements up to an action that starts with one of the words. */
  #statements(until: readonly string[]): { statements: Statement[]; stop: Stop | undefined } {
    if (++this.#depth > MAX_DEPTH) throw this.#fail(1, `nested deeper than ${MAX_DEPTH} levels`)
    const statements: Statement[] = []
    for (;;) {
      const piece = this.#pieces[this.#at++]
      if (piece === undefined) {
        this.#depth--
        return { statements, stop: undefined }
      }
      if (piece.kind === 'text') {
        statements.push({ type: 'text', text: piece.text, line: 0 })
        continue
      }
      const tokens = new Tokens(this.#name, piece.tokens, piece.line)
      const word = tokens.word()
      if (word === 'end' || word === 'else' || word === 'catch' || (word === 'content' && until.includes(word))) {
        this.#depth--
        if (!until.includes(word)) throw this.#fail(piece.line, `unexpected ${word}`)
        return { statements, stop: { word, tokens, line: piece.line } }
      }
      statements.push(...this.#statement(word, tokens, piece.line))
    }
  }

  /** The body of something that must be ended. */
  #body(until: readonly string[], line: number, what: string): { statements: Statement[]; stop: Stop } {
    const { statements, stop } = this.#statements(until)
    if (stop === undefined) throw this.#fail(line, `${what} is not ended`)
    if (stop.word === 'end') {
      stop.tokens.skip()
      stop.tokens.done()
    }
    return { statements, stop }
  }

  #statement(word: string | undefined, tokens: Tokens, line: number): Statement[] {
    if (tokens.empty) return []
    if (word === undefined || !keywords.has(word)) return [this.#action(tokens, line)]
    tokens.skip()
    if (word === 'if') return [this.#if(tokens, line)]
    if (word === 'range') return [this.#range(tokens, line)]
    if (word === 'block') return [this.#block(tokens, line)]
    if (word === 'yield') return [this.#yield(tokens, line)]
    if (word === 'try') return [this.#try(tokens, line)]
    if (word === 'include') {
      const name = tokens.expression()
      const context = tokens.empty ? undefined : tokens.expression()
      tokens.done()
      return [{ type: 'include', name, context, line }]
    }
    if (word === 'return') {
      const value = tokens.pipeline()
      tokens.done()
      return [{ type: 'return', value, line }]
    }
    throw this.#fail(line, `unexpected ${word}`)
  }

  #action(tokens: Tokens, line: number): Statement {
    const assignment = tokens.assignment()
    if (assignment !== undefined) {
      tokens.done()
      return { type: 'set', assignment, line }
    }
    const value = tokens.pipeline()
    tokens.done()
    return { type: 'print', value, line }
  }

  #if(tokens: Tokens, line: number): Statement {
    const before = tokens.assignment()
    if (before !== undefined) tokens.expect(';')
    const test = tokens.pipeline()
    tokens.done()
    const { statements, stop } = this.#body(['else', 'end'], line, 'if')
    if (stop.word === 'end') return { type: 'if', before, test, yes: statements, no: [], line }
    stop.tokens.skip()
    if (stop.tokens.word() === 'if') {
      stop.tokens.skip()
      if (++this.#depth > MAX_DEPTH) throw this.#fail(line, `nested deeper than ${MAX_DEPTH} levels`)
      const otherwise = this.#if(stop.tokens, stop.line)
      this.#depth--
      return { type: 'if', before, test, yes: statements, no: [otherwise], line }
    }
    stop.tokens.done()
    return { type: 'if', before, test, yes: statements, no: this.#body(['end'], line, 'if').statements, line }
  }

  #range(tokens: Tokens, line: number): Statement {
    const names = tokens.rangeNames()
    const source = tokens.pipeline()
    tokens.done()
    const { statements, stop } = this.#body(['else', 'end'], line, 'range')
    if (stop.word === 'end') return { type: 'range', names, source, body: statements, otherwise: [], line }
    stop.tokens.skip()
    stop.tokens.done()
    const otherwise = this.#body(['end'], line, 'range').statements
    return { type: 'range', names, source, body: statements, otherwise, line }
  }

  #block(tokens: Tokens, line: number): Statement {
    const name = tokens.name('a block needs a name')
    if (keywords.has(name)) throw this.#fail(line, `a block cannot be named ${name}`)
    const parameters: Parameter[] = []
    if (tokens.take('(')) {
      while (!tokens.take(')')) {
        if (parameters.length > 0) tokens.expect(',')
        parameters.push({
          name: tokens.name('a parameter needs a name'),
          fallback: tokens.take('=') ? tokens.expression() : undefined,
        })
      }
    }
    const context = tokens.empty ? undefined : tokens.expression()
    tokens.done()
    const { statements: body, stop } = this.#body(['content', 'end'], line, `block ${name}`)
    let content: readonly Statement[] | undefined
    if (stop.word === 'content') {
      stop.tokens.skip()
      stop.tokens.done()
      content = this.#body(['end'], line, `block ${name}`).statements
    }
    const block: Block = { name, parameters, context, body, content, line }
    this.#blocks.set(name, block)
    return { type: 'block', block, line }
  }

  #yield(tokens: Tokens, line: number): Statement {
    const name = tokens.name('yield needs the name of a block')
    if (name === 'content') {
      const context = tokens.empty ? undefined : tokens.expression()
      tokens.done()
      return { type: 'content', context, line }
    }
    const args = new Map<string, Expression>()
    tokens.expect('(')
    while (!tokens.take(')')) {
      if (args.size > 0) tokens.expect(',')
      const parameter = tokens.name('arguments of yield are named: name=value')
      tokens.expect('=')
      args.set(parameter, tokens.expression())
    }
    const bare = tokens.empty || tokens.word() === 'content'
    const context = bare ? undefined : tokens.expression()
    if (tokens.word() !== 'content') {
      tokens.done()
      return { type: 'yield', name, args, context, content: undefined, line }
    }
    tokens.skip()
    tokens.done()
    const content = this.#body(['end'], line, `yield ${name}`).statements
    return { type: 'yield', name, args, context, content, line }
  }

  #try(tokens: Tokens, line: number): Statement {
    tokens.done()
    const { statements: body, stop } = this.#body(['catch', 'end'], line, 'try')
    if (stop.word === 'end') return { type: 'try', body, caught: undefined, errorName: undefined, line }
    stop.tokens.skip()
    const errorName = stop.tokens.empty ? undefined : stop.tokens.name('catch takes the name of a variable')
    stop.tokens.done()
    return { type: 'try', body, caught: this.#body(['end'], line, 'try').statements, errorName, line }
  }

  #fail(line: number, message: string): Error {
    return templateError(this.#name, line, message)
  }
}

interface Stop {
  readonly word: string
  readonly tokens: Tokens
  readonly line: number
}
