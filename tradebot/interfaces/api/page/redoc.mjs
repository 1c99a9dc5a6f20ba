// The same document to be read.
/* global Redoc */
Redoc.init("/openapi.json", { disableSearch: true, hideLogo: true, disableGoogleFont: true }, document.querySelector("#root"));
