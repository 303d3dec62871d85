/** Whether a key is meant for the field or dialog that has the focus rather than for the page. */
export const isForField = ({ target, metaKey, ctrlKey, altKey }: KeyboardEvent): boolean =>
  metaKey || ctrlKey || altKey || (target instanceof HTMLElement && target.matches('input, textarea, select, [contenteditable]')) || document.querySelector('dialog[open]') !== null
