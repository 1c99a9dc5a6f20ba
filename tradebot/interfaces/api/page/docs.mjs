// The interactive document of the HTTP interface.
/* global SwaggerUIBundle */
SwaggerUIBundle({ url: "/openapi.json", dom_id: "#root", deepLinking: true, validatorUrl: null });
