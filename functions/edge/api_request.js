// CloudFront viewer-request function of what the API answers: two facts that it cannot learn otherwise.
//
// The origin gets its own host name, not the viewer's, and anybody can begin an X-Forwarded-For. Whatever a viewer sent
// under these names is overwritten.
// The language is what njs accepts; see viewer_request.js.

function handler(event) {
    const headers = event.request.headers;
    headers['x-viewer-ip'] = {value: event.viewer.ip};
    headers['x-viewer-host'] = {value: headers.host.value};
    return event.request;
}
