declare const __WGLAB_VERSION__: string | undefined;

/** wglab's version; the build puts it in. */
export const VERSION = typeof __WGLAB_VERSION__ === 'string' ? __WGLAB_VERSION__ : '0.0.0-source';
