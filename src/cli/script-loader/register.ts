// Preloaded by `hyperloom run`: `node --import script-loader.js SCRIPT`.
import { register } from "node:module";

register(new URL("./script-loader-hooks.js", import.meta.url));
