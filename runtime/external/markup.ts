// The only importer of htmlparser2: HTML and XML as a stream of tags and text. It reads no DTD and expands no entity of a document.

export { Parser as MarkupParser } from 'htmlparser2'
