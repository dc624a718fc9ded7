import "./hypertext";
import "./clock";
import "./copy";
import "./dialogs";
import "./forms";
import "./live";
import "./menus";
import "./palette";

document.documentElement.classList.add("scripted");
