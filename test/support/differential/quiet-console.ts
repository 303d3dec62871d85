/**
 * XState binds `console.log` for its `log` action when it is loaded: import this before it, or every sequence of the
 * logging machine prints.
 */
console.log = () => undefined
