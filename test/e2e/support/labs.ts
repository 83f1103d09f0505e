/** The labs that come with wglab, by name. */
export const LABS = ['end-to-end', 'nc', 'troubleshooting', 'wireguard'];
