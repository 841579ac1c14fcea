import { createRoot } from "react-dom/client";
import { App } from "./app/App";
import { openWorkplace } from "./app/start";
import "./styles/index.css";

const root = document.getElementById("root");
if (root) createRoot(root).render(<App place={await openWorkplace()} />);
