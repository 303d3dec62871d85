import { createRoot } from 'react-dom/client'
import './styles/tokens.css'
import './styles/base.css'
import './styles/parts.css'
import './styles/shell.css'
import { applyTheme } from './shell/theme.ts'
import { Shell } from './shell/shell.tsx'

applyTheme()
const app = document.querySelector('#app')
if (app) createRoot(app).render(<Shell />)
