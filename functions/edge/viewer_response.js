// CloudFront viewer-response function: the object's answer becomes the reader's answer.
//
// It runs for cached answers too, after the cache, and not when the origin answered 400 or above.
// The language is what njs accepts; see viewer_request.js.

function take(headers, name) {
    return headers[name] ? headers[name].value : '';
}

// A withdrawn article is an object with metadata "status: 410", an alias one with "status: 301" and a "location", the
// preview of what has been published one with "status: 302".
function applyStatus(response, status, location) {
    const headers = response.headers;
    if (/^30[12]/.test(status) && status.length === 3 && location.charAt(0) === '/' &&
        !/[^a-z0-9._\/-]|\/\//.test(location)) {
        response.statusCode = Number(status);
        response.statusDescription = status === '301' ? 'Moved Permanently' : 'Found';
        headers['location'] = {value: location};
    } else {
        // 410, or metadata that we do not understand: then the object is no page to show as if all were well.
        response.statusCode = status === '410' ? 410 : 404;
        response.statusDescription = status === '410' ? 'Gone' : 'Not Found';
    }
    delete headers['content-range'];
}

// Our invalidations reach CloudFront only. Whatever lies beyond it, browser or proxy, must ask again, so it does not
// get the lifetimes meant for the shared cache.
function viewerCacheControl(path, value) {
    if (path.indexOf('/preview/') === 0) {
        return 'no-store';
    }
    if (path.indexOf('/articles/') === 0) {
        // One URL has a variant per tier. A browser may keep its own reader's copy, but asks before each use:
        // the ETag tells the variants apart, so signing in or out shows at once and costs a 304 otherwise.
        return 'private, no-cache';
    }
    return value.split(',').map(part => part.trim())
        .filter(part => part && !/^(s-maxage|stale-while-revalidate|stale-if-error)\b/i.test(part)).join(', ');
}

function handler(event) {
    const response = event.response;
    const headers = response.headers;
    const path = event.request.uri;
    const status = take(headers, 'x-amz-meta-status');
    const location = take(headers, 'x-amz-meta-location');

    // Storage details (version ids, digests, cache tags) are nobody's business. CloudFront owns x-amz-cf-*.
    Object.keys(headers).forEach(name => {
        if (name.indexOf('x-amz-') === 0 && name.indexOf('x-amz-cf-') !== 0) {
            delete headers[name];
        }
    });

    if (status && response.statusCode >= 200 && response.statusCode < 300) {
        applyStatus(response, status, location);
        if (response.statusCode === 302) { // the preview's reader sees from now on what everybody sees
            const attributes = 'Path=/preview/' + path.split('/')[2] + '/; HttpOnly; Secure; SameSite=Lax; Max-Age=0';
            response.cookies = {'__Secure-preview': {value: '', attributes: attributes}};
        }
    }

    const cacheControl = viewerCacheControl(path, take(headers, 'cache-control'));
    if (cacheControl) {
        headers['cache-control'] = {value: cacheControl};
    } else {
        delete headers['cache-control'];
    }
    if (path.indexOf('/articles/') === 0) {
        const vary = take(headers, 'vary');
        headers['vary'] = {value: vary ? vary + ', Cookie' : 'Cookie'};
    }
    return response;
}
