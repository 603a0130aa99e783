// The only importer of the uuid package: time-based and name-based UUIDs. Random ones come from node:crypto.

export { v1 as uuidV1, v3 as uuidV3, v5 as uuidV5, v7 as uuidV7 } from 'uuid'
