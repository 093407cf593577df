// What every page does.
import { takeForms } from "./forms.js";
import { keepLive } from "./live.js";
import { closeMenus } from "./menus.js";
import "./once.js";
import { suggest } from "./search.js";
import { localise } from "./times.js";

localise();
closeMenus();
takeForms();
keepLive();
suggest();
