// The ceiling on code made at run time: an actor of its own, and what granted modules do on public resources
// (design/PROMISES.md P8). An app widens or narrows it with policies in the group `wippy:generated`; a policy that was
// itself made at run time can only narrow it.

import type { Confinement } from '../core/frame.ts'
import { emptyMap } from '../core/value.ts'
import { GENERATED_GROUP, type Policies } from './policies.ts'
import { Policy } from './policy.ts'
import { PolicyScope } from './scope.ts'

/** HTTP requests; the guard against private addresses is another action, which stays denied. */
const publicRequests = new Policy('wippy:generated_public_requests', {
  effect: 'allow',
  actions: ['http_client.request'],
  resources: ['*'],
  holds: () => true,
})

/** The confinement of every function, process and library of origin `runtime`. */
export function generatedConfinement(policies: Policies): Confinement {
  return {
    actor: { id: 'generated', meta: emptyMap() },
    scope: new PolicyScope({ policies, groups: [GENERATED_GROUP], extra: [publicRequests] }),
  }
}
