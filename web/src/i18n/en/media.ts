/** Players and pictures. */
export const media = {
  "media.play": "Play",
  "media.pause": "Pause",
  "media.mute": "Mute",
  "media.unmute": "Sound on",
  "media.fullscreen": "Full screen",
  "media.download": "Save a copy",
  "media.back": "One frame back",
  "media.forward": "One frame on",
  "media.speed": "Speed",
  "media.position": "Position",
} as const;
