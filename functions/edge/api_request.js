// CloudFront viewer-request function of the readers' API: adds the viewer's IP address and host name as headers.
//
// The origin sees its own host name, and clients can set X-Forwarded-For. Headers of these names that a viewer sent are
// overwritten. For the subset of JavaScript that njs supports, see viewer_request.js.

function handler(event) {
    const headers = event.request.headers;
    headers['x-viewer-ip'] = {value: event.viewer.ip};
    headers['x-viewer-host'] = {value: headers.host.value};
    return event.request;
}
