/** Context menus. */
export const menu = {
  "menu.context": "What can be done here",
  "menu.show": "Show outside",
  "menu.expose": "Make it a named input or output",
  "menu.hide": "Do not show as “{name}”",
  "menu.cut_links": "Cut its links",
  "color.none": "No color",
  "color.violet": "Violet",
  "color.teal": "Teal",
  "color.amber": "Amber",
  "color.rose": "Rose",
  "color.blue": "Blue",
  "color.gray": "Gray",
} as const;
