/**
 * Markdown as nodes of the page. A workflow is a file from anywhere, so its notes are hostile until shown otherwise: the
 * reader takes no HTML, what it makes is cut down to a list of harmless tags, pictures are never asked for, and links go
 * to web and mail addresses only, in a window that cannot reach back.
 */
import DOMPurify from "dompurify";
import MarkdownIt from "markdown-it";

const SAFE_LINK = /^(?:https?:\/\/|mailto:)/i;
const TAGS = [
  ...["p", "br", "hr", "strong", "em", "s", "code", "pre", "blockquote", "ul", "ol", "li", "a"],
  ...["h1", "h2", "h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td"],
];

function newReader(): ReturnType<typeof MarkdownIt> {
  const reader = new MarkdownIt({ html: false, linkify: true, breaks: true });
  reader.linkify.set({ fuzzyLink: false, fuzzyEmail: false, fuzzyIP: false });
  reader.validateLink = (url) => SAFE_LINK.test(url.trim());
  reader.renderer.rules.image = (tokens, index) => reader.utils.escapeHtml(tokens[index]?.content ?? "");
  return reader;
}

const reader = newReader();

/** The text, read and made harmless. */
export function renderMarkdown(text: string): DocumentFragment {
  const fragment = DOMPurify.sanitize(reader.render(text), {
    ALLOWED_TAGS: TAGS,
    ALLOWED_ATTR: ["href", "start"],
    ALLOWED_URI_REGEXP: SAFE_LINK,
    ALLOW_DATA_ATTR: false,
    ALLOW_ARIA_ATTR: false,
    RETURN_DOM_FRAGMENT: true,
  });
  for (const link of fragment.querySelectorAll("a")) {
    link.target = "_blank";
    link.rel = "noopener noreferrer";
    // Where a link goes can be read before it is followed, whatever its words say.
    link.title = link.href;
  }
  return fragment;
}
