import { Command } from 'cmdk'
import { useDeferredValue, useEffect, useState } from 'react'
import { useCall } from '../data/use-call.ts'
import { navigation } from '../pages.ts'
import { Dialog } from '../parts/dialog.tsx'
import { Icon } from '../parts/icon.tsx'
import { StatusBadge } from '../parts/status-badge.tsx'
import { actorPath } from '../routing/link.tsx'
import { navigate } from '../routing/location.ts'
import { applyTheme, themes } from './theme.ts'

const FOUND_MAX = 12

/** Every page, every machine and every actor, a few keys away. */
export function CommandPalette({ onClose }: { readonly onClose: () => void }) {
  const [typed, setTyped] = useState('')
  const text = useDeferredValue(typed.trim())
  const key = text.slice(text.indexOf('/') + 1)
  const found = useCall('listActors', key === '' ? null : { text: key, limit: FOUND_MAX, order: 'newest' })
  const machines = useCall('listMachines', {})
  const [chosen, setChosen] = useState('')
  const first = found.data?.actors[0]?.address
  // Actors come after the key that asked for them: the palette itself chooses only when something is typed.
  useEffect(() => {
    if (first !== undefined) setChosen(`${first} ${text}`)
  }, [first, text])
  const go = (to: string): void => {
    onClose()
    navigate(to)
  }
  return (
    <Dialog title="Find or do" onClose={onClose} className="palette">
      <Command label="Find or do" loop value={chosen} onValueChange={setChosen}>
        <Command.Input value={typed} onValueChange={setTyped} placeholder="A page, a machine, part of an actor's key…" />
        <Command.List>
          <Command.Empty>Nothing is called that. Try part of an actor's key.</Command.Empty>
          {text !== '' && found.data && found.data.actors.length > 0 && (
            <Command.Group heading="Actors">
              {found.data.actors.map(({ address, status }) => (
                <Command.Item key={address} value={`${address} ${text}`} onSelect={() => go(actorPath(address))}>
                  <Icon name="actors" size={16} />
                  <span className="address">{address}</span>
                  <StatusBadge status={status} />
                </Command.Item>
              ))}
            </Command.Group>
          )}
          <Command.Group heading="Pages">
            {navigation.map(({ to, name, icon }) => (
              <Command.Item key={to} value={name} onSelect={() => go(to)}>
                <Icon name={icon} size={16} />
                {name}
              </Command.Item>
            ))}
          </Command.Group>
          {machines.data && (
            <Command.Group heading="Machines">
              {machines.data.machines.map(({ name }) => (
                <Command.Item key={name} value={`machine ${name}`} onSelect={() => go(`/actors?machine=${encodeURIComponent(name)}`)}>
                  <Icon name="tree" size={16} />
                  Actors of {name}
                </Command.Item>
              ))}
            </Command.Group>
          )}
          <Command.Group heading="Theme">
            {themes.map(name => (
              <Command.Item
                key={name}
                value={`theme ${name}`}
                onSelect={() => {
                  applyTheme(name)
                  onClose()
                }}
              >
                <Icon name="screen" size={16} />
                Use the {name} theme
              </Command.Item>
            ))}
          </Command.Group>
        </Command.List>
      </Command>
    </Dialog>
  )
}
