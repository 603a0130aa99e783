// `wippy version`

import { banner, packageVersion } from '../banner.ts'

/** Prints the banner, or the version alone; gives the exit code. */
export function version({ short }: { readonly short?: boolean }): number {
  process.stdout.write(short === true ? `${packageVersion()}\n` : banner())
  return 0
}
