import './language.ts'
import './style/base.css'
import './style/controls.css'
import './style/content.css'
import './style/media.css'
import { mount } from 'svelte'
import App from './App.svelte'
import { preferences } from './state/preferences.svelte.ts'

preferences.show()
const target = document.getElementById('page')
if (!target) throw new Error('index.html: got no element "page", want one')
mount(App, { target })
