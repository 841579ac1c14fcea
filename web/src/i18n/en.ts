/** Every text of the editor, in English, a file a room. Other languages have the same keys; `{name}` stands for a word put in. */
import { app } from "./en/app";
import { commands } from "./en/commands";
import { find } from "./en/find";
import { links } from "./en/links";
import { media } from "./en/media";
import { menu } from "./en/menu";
import { node } from "./en/node";
import { run } from "./en/run";
import { say } from "./en/say";
import { search } from "./en/search";
import { settings } from "./en/settings";
import { steps } from "./en/steps";
import { subgraph } from "./en/subgraph";
import { widgets } from "./en/widgets";
import { workflows } from "./en/workflows";

export const en = {
  ...app,
  ...commands,
  ...search,
  ...find,
  ...node,
  ...widgets,
  ...run,
  ...media,
  ...steps,
  ...settings,
  ...workflows,
  ...subgraph,
  ...menu,
  ...say,
  ...links,
} as const;
