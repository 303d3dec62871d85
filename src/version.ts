/** Of this package: the one in its package.json. */
export const VERSION = '0.1.0'
