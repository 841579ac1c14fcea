import { createRoot } from "react-dom/client";
import { App } from "./app/App";
import "./styles/theme.css";
import "./styles/shell.css";
import "./styles/canvas.css";
import "./styles/widgets.css";

const root = document.getElementById("root");
if (root) createRoot(root).render(<App />);
