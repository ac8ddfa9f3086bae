/* Prints sizes, offsets and request numbers as the kernel's headers have them:
   gcc ioctl_layout.c && ./a.out >ioctl_layout.txt */
#include <stdio.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/types.h>
#include <linux/chio.h>
#include <linux/mtio.h>
#include <scsi/sg.h>
#define S(t) printf("size " #t " %zu\n", sizeof(struct t))
#define F(t,f) printf("offset " #t "." #f " %zu\n", offsetof(struct t, f))
#define R(r) printf("request " #r " %#lx\n", (unsigned long)r)
int main(void){
S(changer_params);F(changer_params,cp_curpicker);F(changer_params,cp_npickers);F(changer_params,cp_nslots);F(changer_params,cp_nportals);F(changer_params,cp_ndrives);
S(changer_move);F(changer_move,cm_fromtype);F(changer_move,cm_fromunit);F(changer_move,cm_totype);F(changer_move,cm_tounit);F(changer_move,cm_flags);
S(changer_exchange);F(changer_exchange,ce_srctype);F(changer_exchange,ce_srcunit);F(changer_exchange,ce_fdsttype);F(changer_exchange,ce_fdstunit);F(changer_exchange,ce_sdsttype);F(changer_exchange,ce_sdstunit);F(changer_exchange,ce_flags);
S(changer_position);F(changer_position,cp_type);F(changer_position,cp_unit);F(changer_position,cp_flags);
S(changer_element_status);F(changer_element_status,ces_type);F(changer_element_status,ces_data);
S(changer_get_element);F(changer_get_element,cge_type);F(changer_get_element,cge_unit);F(changer_get_element,cge_status);F(changer_get_element,cge_errno);F(changer_get_element,cge_srctype);F(changer_get_element,cge_srcunit);F(changer_get_element,cge_id);F(changer_get_element,cge_lun);F(changer_get_element,cge_pvoltag);F(changer_get_element,cge_avoltag);F(changer_get_element,cge_flags);
R(CHIOMOVE);R(CHIOEXCHANGE);R(CHIOPOSITION);R(CHIOGPARAMS);R(CHIOGSTATUS);R(CHIOGELEM);R(CHIOINITELEM);
S(mtop);F(mtop,mt_op);F(mtop,mt_count);
S(mtget);F(mtget,mt_type);F(mtget,mt_resid);F(mtget,mt_dsreg);F(mtget,mt_gstat);F(mtget,mt_erreg);F(mtget,mt_fileno);F(mtget,mt_blkno);
S(mtpos);F(mtpos,mt_blkno);
R(MTIOCTOP);R(MTIOCGET);R(MTIOCPOS);
S(sg_io_hdr);F(sg_io_hdr,dxferp);F(sg_io_hdr,cmdp);F(sg_io_hdr,sbp);F(sg_io_hdr,timeout);F(sg_io_hdr,status);F(sg_io_hdr,sb_len_wr);F(sg_io_hdr,host_status);F(sg_io_hdr,driver_status);F(sg_io_hdr,resid);F(sg_io_hdr,info);R(SG_IO);
return 0;}
