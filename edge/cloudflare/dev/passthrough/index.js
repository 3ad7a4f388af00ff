// The least that a Worker in front of a site can do: what the edge is measured beside.
export default { fetch: (request) => fetch(request) };
