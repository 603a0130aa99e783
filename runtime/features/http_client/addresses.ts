// Which addresses are public. Everything that is not ordinary unicast counts as private: loopback, private and link-local ranges
// as documented, and also carrier NAT, multicast, reserved and test ranges, where a service that nobody published may listen.

import ipaddr from 'ipaddr.js'

/** False for text that is no address. IPv4 in any IPv6 wrapping is judged as the IPv4 address it reaches. */
export function isPublicAddress(text: string): boolean {
  const plain = text.replace(/%.*$/, '')
  if (!ipaddr.isValid(plain)) return false
  const address = ipaddr.process(plain)
  if (!(address instanceof ipaddr.IPv6)) return address.range() === 'unicast'
  const bytes = address.toByteArray()
  switch (address.range()) {
    case 'unicast':
      return true
    // NAT64 is how an IPv6-only network reaches the public IPv4 net; 6to4 tunnels to the address it contains.
    case 'rfc6052':
      return isPublicAddress(bytes.slice(12).join('.'))
    case '6to4':
      return isPublicAddress(bytes.slice(2, 6).join('.'))
    default:
      return false
  }
}
