// Browsers keep the page that a user leaves by a link in their back/forward cache. Chromium keeps its WebSocket open, too, and answers
// ping frames for it: the user goes on being a member of presence channels, and a connection, for a minute and a half or longer. So:
//
//     import { followPage } from './back-forward-cache.js'
//     followPage(echo.connector.pusher) // or a Pusher of pusher-js
//
// When the user comes back, the channels are subscribed again by pusher-js.
export function followPage(pusher) {
  addEventListener('pagehide', () => pusher.disconnect())
  addEventListener('pageshow', (event) => { if (event.persisted) pusher.connect() })
}
